"""Functions given by their values at points: integrals and slopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from ..dtypes import bool_, float16, float32, get_default_dtype, of_array
from .conversion import cast
from .cumulative import cumsum
from .joining import cat
from .reduction import sum
from .shape import expand, reshape, shape_of, wrap_dim
from .splitting import narrow


def _heights(y: Any, dim: int) -> Any:
    """Twice the mean height between each two neighbours along dim."""
    n = shape_of(y)[dim]
    return narrow(y, dim, 1, n - 1) + narrow(y, dim, 0, n - 1)


def _areas(name: str, y: Any, x: Any, dx: float, dim: int) -> tuple[Any, int]:
    """The areas between neighbouring points along dim."""
    if not shape_of(y) or (x is not None and not shape_of(x)):
        raise IndexError(f"{name}: expected `x` and `y` of at least one dimension, got a scalar")
    dim = wrap_dim(dim, len(shape_of(y)))
    if y._array.dtype == bool_.array:
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if x is None:
        return _heights(y, dim) * (dx / 2), dim
    if x._array.dtype == bool_.array:
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    if len(shape_of(x)) == 1 and len(shape_of(y)) > 1:
        if shape_of(x)[0] != shape_of(y)[dim]:
            raise RuntimeError(
                f"{name}: There must be one `x` value for each sample point, got "
                f"{shape_of(x)[0]} for {shape_of(y)[dim]}"
            )
        x = reshape(x, (-1,) + (1,) * (len(shape_of(y)) - 1 - dim))
    lead = len(shape_of(y)) - len(shape_of(x))
    x = reshape(x, (1,) * lead + tuple(shape_of(x)))
    n = shape_of(x)[dim]
    widths = narrow(x, dim, 1, n - 1) - narrow(x, dim, 0, n - 1)
    return _heights(y, dim) * widths / 2.0, dim


def _are_half(y: Any, x: Any) -> bool:
    """Whether all is float16, in which areas and sums may not fit."""
    return all(v is None or v._array.dtype == float16.array for v in (y, x))


def _wide(y: Any, x: Any) -> tuple[Any, Any]:
    return cast(y, float32), None if x is None else cast(x, float32)


def trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """The integral along dim, which goes, of a function given by its values y at the points x (a
    vector, or broadcast to y's shape; or dx apart), by the trapezoidal rule.

    >>> torch.trapezoid(torch.tensor([1.0, 5, 10]))
    tensor(10.5000)
    """
    if shape_of(y) and not shape_of(y)[wrap_dim(dim, len(shape_of(y)))]:
        return sum(y, dim, dtype=of_array(y._array.dtype))
    if _are_half(y, x):
        return cast(trapezoid(*_wide(y, x), dx=dx, dim=dim), float16)
    areas, dim = _areas("trapezoid", y, x, dx, dim)
    return sum(areas, dim)


def trapz(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """`trapezoid`: without dimension dim.

    >>> torch.trapz(torch.tensor([1.0, 5, 10]), dx=2)
    tensor(21.)
    """
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """`trapezoid` up to each point but the first: the size of dim becomes smaller by 1.

    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 5, 10]))
    tensor([ 3.0000, 10.5000])
    """
    if _are_half(y, x):
        return cast(cumulative_trapezoid(*_wide(y, x), dx=dx, dim=dim), float16)
    areas, dim = _areas("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, dim)


def _slope(x: Any, at: Any, dim: int, edge_order: int) -> Any:
    """The derivative of x along dim, of points with coordinates or a spacing `at`, by differences
    that are exact for parabolas inside, and for polynomials of edge_order at the ends."""
    n = shape_of(x)[dim]

    def part(start: int, length: int) -> Any:
        return narrow(x, dim, start, length)

    if isinstance(at, Variable):
        steps = narrow(at, 0, 1, n - 1) - narrow(at, 0, 0, n - 1)
    else:
        steps = expand(
            x.new_tensor(at, dtype=x.dtype if x.is_floating_point() else get_default_dtype()),
            (n - 1,),
        )
    step = reshape(steps, (-1,) + (1,) * (len(shape_of(x)) - 1 - dim))
    slopes = (part(1, n - 1) - part(0, n - 1)) / step
    low, high = narrow(step, 0, 0, n - 2), narrow(step, 0, 1, n - 2)
    below, above = narrow(slopes, dim, 0, n - 2), narrow(slopes, dim, 1, n - 2)
    middle = (below * high + above * low) / (low + high)
    first, last = narrow(slopes, dim, 0, 1), narrow(slopes, dim, n - 2, 1)
    if edge_order == 2:
        second = (above - below) / (low + high)
        first = first - narrow(second, dim, 0, 1) * narrow(step, 0, 0, 1)
        last = last + narrow(second, dim, n - 3, 1) * narrow(step, 0, n - 2, 1)
    return cat([first, middle, last], dim)


def _spacing(step: Any) -> Any:
    if isinstance(step, Variable) and not shape_of(step):
        return step.item()  # type: ignore[attr-defined]
    return 1 if step is None else step


def gradient(
    input: Any, *, spacing: Any = 1, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Any, ...]:
    """The derivatives of a function given by its values on a grid, along each of the dimensions
    (all of them if dim is None): a tuple of tensors of input's shape. spacing is the distance of
    the points (a number, or one for each dimension), or a vector of coordinates for each dimension.

    >>> torch.gradient(torch.tensor([1.0, 4, 9, 16]))[0]
    tensor([3., 4., 6., 7.])
    """
    ndim = len(shape_of(input))
    if dim is None:
        dims = list(range(ndim))
    else:
        dims = [wrap_dim(d, ndim) for d in ([dim] if isinstance(dim, int) else dim)]
    if dims and not ndim:
        raise IndexError(f"torch.gradient: dim {dim} is given, but input has no dimensions")
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {dims} appears multiple times in the list of dims")
    steps = list(spacing) if isinstance(spacing, list | tuple) else [spacing] * len(dims)
    steps = [_spacing(step) for step in steps]
    if len(steps) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
            f"{len(dims)}, one for each dimension, but got a list of length {len(steps)}"
        )
    if edge_order not in (1, 2):
        raise RuntimeError(
            f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}"
        )
    for d, step in zip(dims, steps, strict=True):
        n = shape_of(input)[d]
        if n <= edge_order:
            raise RuntimeError(
                f"torch.gradient expected each dimension size to be at least {edge_order + 1}, "
                f"but dimension {d} has {n}"
            )
        if isinstance(step, Variable) and shape_of(step) != (n,):
            raise RuntimeError(
                f"torch.gradient expected the coordinates along dimension {d} to be {n} numbers, "
                f"got shape {list(shape_of(step))}"
            )
    return tuple(_slope(input, step, d, edge_order) for d, step in zip(dims, steps, strict=True))
