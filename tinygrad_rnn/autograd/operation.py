"""An operation as the graph knows it: name, forward, gradient rules, and what these keep."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..backends import Array, HostScalar, backend_of, device_of
from .graph import Variable
from .hints import is_accidental, wrong_argument

Rule = Callable[..., Any]
_NOTHING, _VALUE, _SHAPE = range(3)


def _is_foreign(arg: Any) -> bool:
    """Whether an input is no tensor, array or number."""
    known = isinstance(arg, Variable | int | float | HostScalar | type(None))
    return not known and backend_of(arg) is None


def _kept_for(parameter: str) -> int:
    if parameter.startswith("_"):
        return _NOTHING
    return _SHAPE if parameter.endswith("_shape") else _VALUE


def _positional(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of positional parameters. (inspect.signature is right but slow: there are
    hundreds of rules to look at during import.)"""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Plan:
    """What to keep for backward of the inputs and the output of an operation.

    Attributes:
        values: the numbers of the inputs of which the value is read.
        shapes: and of those of which only the shape is.
        kept: whether anything is kept of the inputs.
        all_values: whether the value of every input is.
        nothing: what is kept if nothing is read: a None for each input.
        output: whether the output is read.
        rules: the rules of single inputs that need gradients, with the inputs' numbers.
    """

    __slots__ = ("all_values", "kept", "nothing", "output", "rules", "shapes", "values")

    def __init__(
        self, kept: Sequence[int], output: bool, rules: Sequence[tuple[int, Rule]]
    ) -> None:
        self.values = [i for i, keep in enumerate(kept) if keep == _VALUE]
        self.shapes = [i for i, keep in enumerate(kept) if keep == _SHAPE]
        self.kept = bool(self.values or self.shapes)
        self.all_values = len(self.values) == len(kept)
        self.nothing = (None,) * len(kept)
        self.output, self.rules = output, rules


class Operation:
    """A primitive as the graph sees it.

    Attributes:
        name: of the forward, without underscores around it.
        backward_name: what its nodes are called, or a function that tells from a node.
        broadcasts: gradients may come in the broadcast shape; the engine sums them back.
        view: the result may share the first input's memory.
        each: a gradient rule for each input (None: it has no gradient).
        joint: one rule for the gradients of all inputs.
        common: the rule of a variadic operation, which gets the number of the input.
        write: puts the operation's result into the tensor that out= names, (name, result, out);
            None if it takes no out=.
        plans: what to keep, by the bit set of the inputs that need gradients (by the negated
            number of inputs, if that varies).
        bound: the forward with the backend of each type of array that was met.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        broadcasts: bool,
        view: bool,
        name: str | Callable[..., str] | None,
    ) -> None:
        self.name = forward.__name__.strip("_")
        words = "".join(word.capitalize() for word in self.name.split("_"))
        self.backward_name = name or f"{words}Backward0"
        self.forward = forward
        self.broadcasts = broadcasts
        self.view = view
        self.inputs = _positional(forward)[1:]
        self.variadic = bool(forward.__code__.co_flags & inspect.CO_VARARGS)
        self.each: Sequence[Rule | None] = ()
        self.joint: Rule | None = None
        self.common: Rule | None = None
        self.differentiable = False
        self.write: Callable[[str, Any, Any], Any] | None = None
        self.bound: dict[type, Callable[..., Any]] = {}
        self.plans: dict[int, Plan] = {}
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
        # (g, y, ...), or, for one input of a variadic operation, (g, y, its number, ...)
        skipped = 3 if self.variadic and not joint else 2
        for rule in [joint] if joint else rules:
            names = _positional(rule) if rule else ()
            if rule and rule.__code__.co_flags & inspect.CO_VARARGS:
                names += ("inputs",)
            self._reads.append([_kept_for(name) for name in names[1:2] + names[skipped:]])
            if rule and len(self._reads[-1]) != 1 + (1 if self.variadic else len(self.inputs)):
                raise TypeError(f"{self.name}: a rule takes (g, output, *inputs, *, params)")
        for column in zip(*filter(None, self._reads), strict=True):
            if {_VALUE, _SHAPE} <= set(column):
                raise TypeError(f"{self.name}: one rule reads an input's value, another its shape")

    def bind(self, array: Array) -> Callable[..., Any]:
        """The forward with the backend of this array."""
        bound = self.bound[type(array)] = functools.partial(self.forward, backend_of(array))
        return bound

    def plan(self, mask: int, count: int) -> Plan:
        """The plan for `count` inputs of which those in the bit set `mask` need gradients."""
        key = -count if self.variadic else mask
        plan = self.plans.get(key)
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
            rules = [(i, rule) for i, rule in enumerate(self.each) if rule and mask >> i & 1]
            plan = self.plans[key] = Plan(kept, bool(columns and columns[0]), rules)
        return plan

    def misfit(self, args: Sequence[Any], error: Exception) -> Exception:
        """TypeError if an input is no tensor, array or number, else the error with what came."""
        for name, arg in zip(self.inputs, args, strict=False):
            if _is_foreign(arg):
                return TypeError(
                    f"{self.name}(): argument '{name}' must be Tensor or Number, "
                    f"not {type(arg).__name__}"
                )
        came = " and ".join(f"{a.dtype}{list(a.shape)}" for a in args if hasattr(a, "shape"))
        return type(error)(f"{self.name}(): {error} (inputs: {came})")

    def explained(self, args: Sequence[Any], params: dict[str, Any], error: Exception) -> Exception:
        """The array library's complaint as PyTorch's kind of error, with the shapes that met."""
        tensors = [a for a in args if isinstance(a, Variable)]
        places = {str(device_of(a._array)) for a in tensors}
        if len(places) > 1:
            return RuntimeError(
                f"{self.name}(): expected all tensors to be on the same device, but found at "
                f"least two devices, {' and '.join(sorted(places))}; move one with .to(device)"
            )
        wrong = wrong_argument(self.forward, (None, *args), params, error)
        if wrong is not None:
            return wrong
        if isinstance(error, TypeError) and not is_accidental(error):
            return error  # it says what is wrong
        if "different from the current device" in str(error):
            return RuntimeError(
                f"{self.name}(): the tensors are on {places.pop()}, which is not the current "
                "device: work with them inside `with cuda.device(...)`, or after "
                "cuda.set_device(...)"
            )
        if str(error).startswith(f"{self.forward.__qualname__}()"):  # a call with wrong arguments
            return TypeError(str(error))
        if isinstance(error, TypeError) and any(map(_is_foreign, args)):
            return self.misfit(args, error)
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


def numbers(params: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of an operation with numbers for tensors of one."""
    return {
        name: value.item() if isinstance(value, Variable) else value  # type: ignore[attr-defined]
        for name, value in params.items()
    }
