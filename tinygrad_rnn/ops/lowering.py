"""The operations of a plan as instructions for the compiled kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..autograd.broadcast import expand, sum_to
from ..backends.compiled.program import Constant, Matrix, Program, Unsuited
from .activation import _elu, _gelu, _gelu_tanh, _hardtanh, _leaky_relu, _silu, _softplus
from .affine import _linear
from .arithmetic import _div, _rsub, abs, add, log, mul, neg, pow, sub
from .choice import _clamp, _where, maximum, minimum
from .comparison import bitwise_and, bitwise_or, eq, ge, gt, le, lt, ne
from .elementwise import cos, exp, expm1, log1p, reciprocal, relu, rsqrt, sigmoid, sin, sqrt, tanh
from .error_function import erf
from .exponentials import _softmax
from .indexing import _getitem, _scatter_add_at
from .joining import _cat
from .linalg import _matmul
from .mixing import _lerp
from .reduction import _mean, _sum, _var, root
from .splitting import _split
from .standardization import normalize

Lowered = Callable[..., Any]
"""(program, *arguments, **params) -> results. Arguments are matrices, numbers, constants or None;
what an operation keeps is a tuple of matrices."""


class Total(NamedTuple):
    """A sum over the sequences, of all steps: of shape `shape`, in parts, the rows of a matrix."""

    parts: Matrix
    shape: tuple[int, ...]


def _same(name: str, order: slice = slice(None)) -> Lowered:
    """The instruction of that name, for operations without parameters that matter."""

    def lowered(p: Program, *args: Any, **params: Any) -> Matrix:
        if not params.keys() <= {"name"}:
            raise Unsuited(f"{name} with {params}")
        return p.emit(name, *args[order])

    return lowered


def _matrix(value: Any) -> Matrix:
    if not isinstance(value, Matrix):
        raise Unsuited("an operation that is written for what changes from step to step")
    return value


def _constant(value: Any) -> Constant:
    if not isinstance(value, Constant):
        raise Unsuited("a product of two values that change from step to step")
    return value


_EXCHANGED = slice(None, None, -1)

# ----- elementwise -----


def _ne(p: Program, a: Any, b: Any) -> Matrix:
    return p.emit("SUB", 1, p.emit("EQ", a, b))


def _pow(p: Program, x: Any, exponent: Any) -> Matrix:
    _matrix(x)
    if exponent == 1:
        return p.emit("COPY", x)
    if exponent == 2:
        return p.emit("MUL", x, x)
    if exponent == 0.5:
        return p.emit("SQRT", x)
    if exponent == -1:
        return p.emit("DIV", 1, x)
    raise Unsuited(f"a power of {exponent}")


def _between(p: Program, x: Any, low: Any, high: Any, name: str = "") -> Matrix:
    x = x if low is None else p.emit("MAX", x, low)
    return x if high is None else p.emit("MIN", x, high)


def _mixed(p: Program, a: Any, b: Any, weight: Any, *, number: bool) -> Matrix:
    if not number:
        raise Unsuited("lerp by a tensor")
    way = p.emit("SUB", b, a)
    if math.fabs(weight) < 0.5:
        return p.emit("ADD", a, p.emit("MUL", way, weight))
    return p.emit("SUB", b, p.emit("MUL", way, 1 - weight))


def _smooth(p: Program, x: Any, *, beta: float, threshold: float) -> Matrix:
    scaled = p.emit("MUL", x, beta)
    small = p.emit("EXP", p.emit("MIN", scaled, threshold))
    smooth = p.emit("DIV", p.emit("LOG1P", small), beta)
    return p.emit("WHERE", p.emit("LT", threshold, scaled), x, smooth)


def _leaky(p: Program, x: Any, *, slope: float) -> Matrix:
    return p.emit("WHERE", p.emit("LT", 0, x), x, p.emit("MUL", x, slope))


def _exponential_unit(p: Program, x: Any, *, alpha: float, scale: float, rate: float) -> Matrix:
    low = p.emit("EXPM1", p.emit("MUL", p.emit("MIN", x, 0), rate))
    high = p.emit("MUL", x, scale)
    return p.emit("WHERE", p.emit("LT", 0, x), high, p.emit("MUL", low, alpha * scale))


def _gaussian_unit(p: Program, x: Any) -> Matrix:
    share = p.emit("ADD", p.emit("ERF", p.emit("MUL", x, math.sqrt(0.5))), 1)
    return p.emit("MUL", p.emit("MUL", x, 0.5), share)


def _gaussian_unit_by_tanh(p: Program, x: Any) -> Matrix:
    cube = p.emit("MUL", p.emit("MUL", x, p.emit("MUL", x, x)), 0.044715)
    inner = p.emit("MUL", p.emit("ADD", x, cube), math.sqrt(2 / math.pi))
    return p.emit("MUL", p.emit("MUL", x, 0.5), p.emit("ADD", p.emit("TANH", inner), 1))


# ----- products, and sums over columns or over the batch -----


def _affine(p: Program, added: Any, x: Any, weight: Any, *, bias: bool) -> Matrix:
    panels = p.packed(_constant(weight).T)
    if added is None:
        return p.emit("PRODUCT", _matrix(x), panels)
    out = p.emit("COPY", added, out=Matrix(panels.columns))
    return p.emit("PRODUCT_ADD", _matrix(x), panels, out=out)


def _product(p: Program, a: Any, b: Any) -> Matrix:
    return p.emit("PRODUCT", _matrix(a), p.packed(_constant(b)))


def _summed(p: Program, x: Any, *, dims: Any, keepdim: bool) -> Any:
    if dims == (1,) and keepdim:
        return p.emit("SUM", _matrix(x))
    if dims == (0,):
        shape = (1, x.columns) if keepdim else (x.columns,)
        return Total(p.column_sums(_matrix(x)), shape)
    raise Unsuited(f"a sum over {dims}")


def _summed_to(p: Program, x: Any, *, shape: tuple[int, ...]) -> Any:
    if shape == (p.batch, 1):
        return p.emit("SUM", _matrix(x))
    if len(shape) == 2 and shape[0] == p.batch != 1:
        raise Unsuited(f"a sum to {shape}")
    narrow = p.emit("SUM", x) if not shape or shape[-1] == 1 != x.columns else _matrix(x)
    return Total(p.column_sums(narrow), shape)


def _averaged(p: Program, x: Any, *, dims: Any, keepdim: bool) -> Matrix:
    if dims != (1,) or not keepdim:
        raise Unsuited(f"a mean over {dims}")
    return p.emit("DIV", p.emit("SUM", _matrix(x)), x.columns)


def _spread_of(p: Program, x: Any, *, dims: Any, keepdim: bool, correction: float) -> Matrix:
    deviation = p.emit("SUB", x, _averaged(p, x, dims=dims, keepdim=keepdim))
    freedom = max(x.columns - correction, 0) or math.nan
    return p.emit("DIV", p.emit("DOT", deviation, deviation), freedom)


def _root(p: Program, x: Any, *, degree: float = 2) -> Matrix:
    return _pow(p, x, 1 / degree)


def _shares(p: Program, x: Any, *, dim: int) -> Matrix:
    if dim != 1:
        raise Unsuited("softmax over the batch")
    powers = p.emit("EXP", p.emit("SUB", x, p.emit("LARGEST_OF", _matrix(x))))
    return p.emit("DIV", powers, p.emit("SUM", powers))


def _standardized(
    p: Program, x: Any, weight: Any, bias: Any, *, dims: Any, eps: float, name: str = ""
) -> tuple[Any, ...]:
    mean = _averaged(p, x, dims=dims, keepdim=True)
    standard = p.emit("SUB", x, mean)
    variance = p.emit("DIV", p.emit("DOT", standard, standard), x.columns)
    scale = p.emit("ADD", variance, eps)
    scale = p.emit("DIV", p.emit("SQRT", scale), scale)
    result = standard = p.emit("MUL", standard, scale)
    if weight is not None:
        result = p.emit("MUL", result, weight)
    if bias is not None:
        result = p.emit("ADD", result, bias)
    return result, mean, variance, (standard, scale)


def _standardized_back(
    p: Program, g: Any, of_mean: Any, of_variance: Any, kept: Any, x: Any, weight: Any, bias: Any,
    *, needs: tuple[bool, ...], dims: Any, eps: float, name: str = "",
) -> tuple[Any, ...]:  # fmt: skip
    """The gradients of `_standardized`, by the formulas of the rule."""
    if of_mean is not None or of_variance is not None:
        raise Unsuited("gradients of a mean")
    standard, scale = kept
    along = p.emit("MUL", g, standard)
    found: list[Any] = []
    if needs[0]:
        direct = g if weight is None else p.emit("MUL", g, weight)
        mean_along = p.emit("SUM", along) if weight is None else p.emit("DOT", along, weight)
        mean_along = p.emit("DIV", mean_along, x.columns)
        direct = p.emit("SUB", direct, _averaged(p, direct, dims=(1,), keepdim=True))
        direct = p.emit("SUB", direct, p.emit("MUL", standard, mean_along))
        found.append(p.emit("MUL", direct, scale))
    if needs[1]:
        found.append(Total(p.column_sums(along), weight.shape))
    if needs[2]:
        found.append(Total(p.column_sums(g), bias.shape))
    return tuple(found)


# ----- columns -----


def _joined(p: Program, *parts: Any, dim: int) -> Matrix:
    if dim != 1:
        raise Unsuited("sequences behind one another")
    out, begin = Matrix(sum(_matrix(part).columns for part in parts)), 0
    for part in parts:
        p.emit("COPY", part, out=out.part(begin, begin + part.columns))
        begin += part.columns
    return out


def _divided(p: Program, x: Any, *, dim: int, sizes: tuple[int, ...]) -> tuple[Matrix, ...]:
    if dim != 1 or not all(sizes):
        raise Unsuited("a part without columns, or of the batch")
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(_matrix(x).part(end - n, end) for end, n in zip(ends, sizes, strict=True))


def _columns(index: Any, columns: int) -> tuple[int, int]:
    """The first of the columns that an index means, and the one behind the last."""
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    if dots:
        parts[dots[0] : dots[0] + 1] = [slice(None)] * (3 - len(parts))
    if len(parts) == 2 and parts[0] == slice(None) and isinstance(parts[1], slice):
        begin, end, step = parts[1].indices(columns)
        if step == 1 and begin < end:
            return begin, end
    raise Unsuited("an index that does not mean neighbouring columns")


def _picked(p: Program, x: Any, *, index: Any) -> Matrix:
    return _matrix(x).part(*_columns(index, x.columns))


def _put_back(p: Program, values: Any, *, shape: tuple[int, ...], index: Any) -> Matrix:
    begin, end = _columns(index, shape[-1])
    out = p.emit("COPY", 0, out=Matrix(shape[-1]))
    p.emit("COPY", values, out=out.part(begin, end))
    return out


def _widened(p: Program, x: Any, *, shape: tuple[int, ...]) -> Matrix:
    return p.emit("COPY", x, out=Matrix(shape[-1]))


LOWERED: dict[Any, Lowered] = {
    add: _same("ADD"), sub: _same("SUB"), mul: _same("MUL"), _div: _same("DIV"),
    _rsub: _same("SUB", _EXCHANGED), neg: lambda p, x: p.emit("MUL", x, -1),
    reciprocal: lambda p, x: p.emit("DIV", 1, x),
    rsqrt: lambda p, x: p.emit("DIV", 1, p.emit("SQRT", x)),
    maximum: _same("MAX"), minimum: _same("MIN"), _clamp: _between,
    le: _same("LE"), lt: _same("LT"), ge: _same("LE", _EXCHANGED), gt: _same("LT", _EXCHANGED),
    eq: _same("EQ"), ne: _ne, bitwise_or: _same("MAX"), bitwise_and: _same("MUL"),
    _where: _same("WHERE"), abs: _same("ABS"), sqrt: _same("SQRT"), pow: _pow, root: _root,
    exp: _same("EXP"), expm1: _same("EXPM1"), log: _same("LOG"), log1p: _same("LOG1P"),
    sin: _same("SIN"), cos: _same("COS"), erf: _same("ERF"), tanh: _same("TANH"),
    sigmoid: _same("SIGMOID"), relu: lambda p, x: p.emit("MAX", x, 0), _lerp: _mixed,
    _softplus: _smooth, _leaky_relu: _leaky, _elu: _exponential_unit, _gelu: _gaussian_unit,
    _gelu_tanh: _gaussian_unit_by_tanh, _silu: lambda p, x: p.emit("MUL", x, p.emit("SIGMOID", x)),
    _hardtanh: _between,
    _linear: _affine, _matmul: _product, _sum: _summed, sum_to: _summed_to, _mean: _averaged,
    _var: _spread_of, _softmax: _shares, normalize: _standardized,
    _cat: _joined, _split: _divided, _getitem: _picked, _scatter_add_at: _put_back,
    expand: _widened,
}  # fmt: skip

# Those of rules that are one operation of a plan, by the operation whose rules they are
LOWERED_RULES: dict[Any, Lowered] = {normalize.operation: _standardized_back}
