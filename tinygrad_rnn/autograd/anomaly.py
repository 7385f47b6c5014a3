"""Anomaly mode: find the operation behind a nan in a gradient."""

from __future__ import annotations

import os
import traceback
from typing import Any

from ..backends import backend_of
from ..warning import warn
from .grad_mode import Mode, check_bool
from .graph import Edge, Node, Variable

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


class _Anomaly:
    """Of the whole process, unlike the grad mode.

    Attributes:
        traced: whether nodes keep the stack of calls that led to them.
        checked: whether gradients are searched for nan.
    """

    traced = checked = False


anomaly = _Anomaly()


class set_detect_anomaly(Mode):
    """Check every gradient for nan and name the forward operation that made it.

    Switches at once; as a context manager, switches back at the end of the block. Slow: each
    recorded operation keeps the stack of Python calls that led to it.

    Args:
        mode: whether to switch it on.
        check_nan: whether to raise RuntimeError for a nan.

    >>> _ = torch.autograd.set_detect_anomaly(True)
    >>> torch.is_anomaly_enabled()
    True
    >>> _ = torch.autograd.set_detect_anomaly(False)
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        Mode.__init__(self)
        check_bool("set_detect_anomaly", "mode", mode)
        check_bool("set_detect_anomaly", "check_nan", check_nan)
        self._values = mode, mode and check_nan
        self._outer = self._switch()

    def _switch(self) -> tuple[bool, bool]:
        before = anomaly.traced, anomaly.checked
        anomaly.traced, anomaly.checked = self._values
        return before

    def _restore(self, before: tuple[bool, bool]) -> None:
        anomaly.traced, anomaly.checked = before

    def __enter__(self) -> None:
        super().__enter__()
        self._before[-1] = self._outer


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly(True)` as a context manager or decorator.

    >>> x = torch.ones(1, requires_grad=True)
    >>> with torch.autograd.detect_anomaly():
    ...     (x / x.detach()).log().backward()
    >>> x.grad
    tensor([1.])
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
        self._restore(self._outer)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on.

    >>> torch.is_anomaly_enabled()
    False
    """
    return anomaly.traced


def trace(node: Node) -> None:
    """Keep the calls that led here, up to the one into this package."""
    stack = traceback.extract_stack()
    while stack and stack[-1].filename.startswith(_PACKAGE):
        stack.pop()
    node._with_extras().trace = traceback.format_list(stack)


def check_nan(node: Node, results: list[tuple[Edge, Any]]) -> None:
    """Raise RuntimeError if there is a nan in a gradient, with a warning that shows where in the
    forward pass the node was recorded."""
    for edge, result in results:
        array = result._array if isinstance(result, Variable) else result
        xp: Any = backend_of(array)
        if bool(xp.isnan(array).any()):
            extras = node._extras
            if extras is not None and extras.trace:
                calls = "".join(extras.trace)
                where = f"Traceback of forward call that caused the error:\n{calls}"
            else:
                where = "Enable anomaly mode during the forward pass, too, to see where that was."
            warn(f"Error detected in {node._name()}. {where}")
            raise RuntimeError(
                f"Function '{node._name()}' returned nan values in its "
                f"{list(node._edges).index(edge)}th output."
            )
