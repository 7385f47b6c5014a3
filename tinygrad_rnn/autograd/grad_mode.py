"""Whether operations are recorded, per thread, and the context managers that say so."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


class _State(threading.local):
    enabled = True
    anomaly = False


state = _State()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require gradients are recorded in this thread."""
    return state.enabled


class Setting:
    """Sets one field of the thread's state for a block of code, or for a decorated function."""

    field = "enabled"

    def __init__(self, value: bool) -> None:
        self.value = value
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(getattr(state, self.field))
        setattr(state, self.field, self.value)

    def __exit__(self, *exception: object) -> None:
        setattr(state, self.field, self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with Setting._copy(self):
                return function(*args, **kwargs)

        return decorated

    def _copy(self) -> Setting:
        # A decorated function may run in several threads at once: each call needs its own stack.
        copy = object.__new__(type(self))
        copy.value, copy._before = self.value, []
        return copy


class _Mode(Setting):
    """A `Setting` that may be used bare as a decorator: ``@no_grad`` as well as ``@no_grad()``."""

    setting = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # type: ignore[misc]
        return mode(function)

    def __init__(self) -> None:
        super().__init__(self.setting)


class no_grad(_Mode):
    """Record nothing: a context manager and a decorator."""


class enable_grad(_Mode):
    """Record again inside a `no_grad` block: a context manager and a decorator."""

    setting = True


class inference_mode(Setting):
    """As `no_grad`; ``inference_mode(False)`` leaves recording as it is."""

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode and state.enabled)


class set_grad_enabled(Setting):
    """Switch recording at once; as a context manager, switch it back at the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._outer = state.enabled
        state.enabled = mode

    def __enter__(self) -> None:
        self._before.append(self._outer)
        state.enabled = self.value

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        state.enabled = self._outer
        return super().__call__(function)

    def _copy(self) -> Setting:
        return Setting(self.value)


class set_detect_anomaly(Setting):
    """Check every gradient for nan and name the forward operation that made it.

    Switches at once; as a context manager, switches back at the end of the block. Slow: each
    recorded operation keeps the stack of Python calls that led to it.
    """

    field = "anomaly"

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(mode and check_nan)
        self._outer = state.anomaly
        state.anomaly = self.value

    def __enter__(self) -> None:
        self._before.append(self._outer)
        state.anomaly = self.value


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly(True)` as a context manager."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
        state.anomaly = self._outer
