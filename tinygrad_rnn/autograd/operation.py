"""An operation as the graph knows it: name, forward, gradient rules, and what these keep."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..backends import device_of
from .graph import Variable

Rule = Callable[..., Any]
_NOTHING, _VALUE, _SHAPE = range(3)


def _kept_for(parameter: str) -> int:
    if parameter.startswith("_"):
        return _NOTHING
    return _SHAPE if parameter.endswith("_shape") else _VALUE


def _positional(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of positional parameters. (inspect.signature is right but slow: there are
    hundreds of rules to look at during import.)"""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Plan(NamedTuple):
    """What to keep for backward of the inputs and the output of an operation."""

    values: Sequence[int]  # the numbers of the inputs of which the value is read
    shapes: Sequence[int]  # and of those of which only the shape is
    all_values: bool  # whether the value of every input is read
    nothing: tuple[None, ...]  # what is kept if nothing is read: a None for each input
    output: bool  # whether the output is read


class Operation:
    """A primitive as the graph sees it.

    Attributes:
        name: of the forward, without underscores around it.
        backward_name: what its nodes are called, or a function that tells from a node.
        broadcasts: gradients may come in the broadcast shape; the engine sums them back.
        each: a gradient rule for each input (None: it has no gradient).
        joint: one rule for the gradients of all inputs.
        common: the rule of a variadic operation, which gets the number of the input.
    """

    def __init__(
        self, forward: Callable[..., Any], broadcasts: bool, name: str | Callable[..., str] | None
    ) -> None:
        self.name = forward.__name__.strip("_")
        words = "".join(word.capitalize() for word in self.name.split("_"))
        self.backward_name = name or f"{words}Backward0"
        self.forward = forward
        self.broadcasts = broadcasts
        self.inputs = _positional(forward)[1:]
        self.variadic = bool(forward.__code__.co_flags & inspect.CO_VARARGS)
        self.each: Sequence[Rule | None] = ()
        self.joint: Rule | None = None
        self.common: Rule | None = None
        self.differentiable = False
        self._plans: dict[int, Plan] = {}
        self._reads: list[list[int]] = []  # per rule: what it reads of the output and the inputs

    @property
    def rules(self) -> Sequence[Rule | None]:
        """All rules."""
        return [rule for rule in (self.joint, self.common) if rule] or self.each

    def set_rules(self, rules: Sequence[Rule | None], joint: Rule | None) -> None:
        self.joint = joint
        if self.variadic and not joint:
            (self.common,) = rules
        else:
            self.each = rules
        self.differentiable = True
        skipped = 3 if self.variadic else 2  # (g, y, ...) or (g, y, number of the input, ...)
        for rule in [joint] if joint else rules:
            names = _positional(rule) if rule else ()
            self._reads.append([_kept_for(name) for name in names[1:2] + names[skipped:]])
            if rule and len(self._reads[-1]) != 1 + (1 if self.variadic else len(self.inputs)):
                raise TypeError(f"{self.name}: a rule takes (g, output, *inputs, *, params)")
        for column in zip(*filter(None, self._reads), strict=True):
            if {_VALUE, _SHAPE} <= set(column):
                raise TypeError(f"{self.name}: one rule reads an input's value, another its shape")

    def plan(self, mask: int, count: int) -> Plan:
        """The plan for `count` inputs of which those in the bit set `mask` need gradients."""
        key = count if self.variadic else mask
        plan = self._plans.get(key)
        if plan is None:
            if self.variadic:
                read_output, each = self._reads[0]
                columns = [read_output, *[each] * count]
            else:
                reads = [
                    read
                    for i, read in enumerate(self._reads)
                    if read and (self.joint or mask >> i & 1)
                ]
                columns = [max(column) for column in zip(*reads, strict=True)]
            kept = columns[1:] or [_NOTHING] * count
            values = [i for i, keep in enumerate(kept) if keep == _VALUE]
            shapes = [i for i, keep in enumerate(kept) if keep == _SHAPE]
            output = bool(columns and columns[0])
            plan = Plan(values, shapes, len(values) == count, (None,) * count, output)
            self._plans[key] = plan
        return plan

    def explained(self, args: Sequence[Any], error: Exception) -> Exception:
        """The array library's complaint as PyTorch's kind of error, with the shapes that met."""
        tensors = [a for a in args if isinstance(a, Variable)]
        places = {str(device_of(a._array)) for a in tensors}
        if len(places) > 1:
            return RuntimeError(
                f"{self.name}(): expected all tensors to be on the same device, but found at "
                f"least two devices, {' and '.join(sorted(places))}; move one with .to(device)"
            )
        if "different from the current device" in str(error):
            return RuntimeError(
                f"{self.name}(): the tensors are on {places.pop()}, which is not the current "
                "device: work with them inside `with cuda.device(...)`, or after "
                "cuda.set_device(...)"
            )
        for name, arg in zip(self.inputs, args, strict=False):
            if isinstance(error, TypeError) and not isinstance(
                arg, Variable | int | float | bool | type(None)
            ):
                return TypeError(
                    f"{self.name}(): argument '{name}' must be Tensor or Number, "
                    f"not {type(arg).__name__}"
                )
        shapes = [tuple(a._array.shape) for a in tensors]
        if self.broadcasts and len(shapes) == 2:
            a, b = (shape[::-1] for shape in shapes)
            for i, (m, n) in enumerate(zip(a, b, strict=False)):
                if m != n and 1 not in (m, n):
                    return RuntimeError(
                        f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                        f"non-singleton dimension {max(map(len, shapes)) - 1 - i}"
                    )
        met = " and ".join(map(str, shapes))
        return RuntimeError(f"{self.name}(): {error} (inputs of shape {met})")
