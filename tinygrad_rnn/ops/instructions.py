"""The operations of a plan as instructions: functions that read arrays from a list of values and
put their results there, into memory that is given to them where the array library can do that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..autograd.broadcast import expand
from ..autograd.trace import Call, Ref
from ..backends import Array, Backend
from .affine import _linear, affine
from .arithmetic import _div, _rsub, add, mul, neg, sub
from .choice import maximum, minimum
from .elementwise import exp, logistic, relu, sigmoid, sqrt, tanh
from .joining import _cat
from .linalg import _matmul
from .plan import Value
from .shape import _permute
from .splitting import _split, _unbind

SLICES = {_split, _unbind, _permute, expand}  # operations whose results are always views
Values = list[Any]
Instruction = Callable[[Values], None]

_UFUNCS = {
    add: "add", sub: "subtract", mul: "multiply", _div: "true_divide", neg: "negative",
    maximum: "maximum", minimum: "minimum", exp: "exp", sqrt: "sqrt", tanh: "tanh",
    _matmul: "matmul",
}  # fmt: skip


# Those that are no function of the array library: (xp, *arguments, out)
_OTHERS: dict[Any, Callable[..., Array]] = {
    _rsub: lambda xp, input, other, out: xp.subtract(other, input, out=out),
    relu: lambda xp, input, out: xp.clip(input, 0, None, out=out),
    sigmoid: logistic,
}


def writer(call: Call, xp: Backend, values: Sequence[Value]) -> Callable[..., Any] | None:
    """The array function that does a call's work and writes into the array it gets behind the
    call's arguments; None if there is none."""
    out = values[call.outputs[0]]
    types = {values[arg].dtype for arg in call.args if type(arg) is Ref}
    if len(call.outputs) > 1 or types != {out.dtype} or out.dtype.kind != "f":
        return None
    if call.primitive is _cat:
        axis = call.params["dim"]
        return lambda *parts, out: xp.concatenate(parts, axis=axis, out=out)
    if call.primitive is _linear:
        matrix = len(values[call.args[1]].shape) == 2
        return partial(affine, xp) if matrix else None
    if call.params:
        return None
    if call.primitive in _UFUNCS:
        return getattr(xp, _UFUNCS[call.primitive])
    other = _OTHERS.get(call.primitive)
    return None if other is None else partial(other, xp)


def writing(write: Callable[..., Any], args: Sequence[int], out: int) -> Instruction:
    """An instruction that writes its result into the array that is at `out` already."""
    if len(args) == 1:
        (a,) = args

        def run(v: Values) -> None:
            write(v[a], out=v[out])
    elif len(args) == 2:
        a, b = args

        def run(v: Values) -> None:
            write(v[a], v[b], out=v[out])
    else:

        def run(v: Values) -> None:
            write(*[v[i] for i in args], out=v[out])

    return run


def making(call: Call, xp: Backend, args: Sequence[int]) -> Instruction:
    """An instruction that puts new arrays, or views, into the list."""
    forward, params, outputs = call.primitive.operation.forward, call.params, call.outputs
    if len(outputs) == 1:
        (out,) = outputs

        def run(v: Values) -> None:
            v[out] = forward(xp, *[v[i] for i in args], **params)
    else:

        def run(v: Values) -> None:
            results = forward(xp, *[v[i] for i in args], **params)
            # What is kept for a rule comes last, and has a number if the rule is in the plan
            for out, result in zip(outputs, results, strict=False):
                v[out] = result

    return run
