"""Operations that change a tensor's shape, or put tensors together and apart."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, named, primitive
from ..autograd.broadcast import expand as _expand
from ..backends import Array, Backend
from ..dtypes import dtype as DType, of_array
from .names import second_names

Dims = int | Sequence[int]
_SEQUENCE = (tuple, list)


def shape_of(input: Any) -> tuple[int, ...]:
    """The shape of a tensor or of a raw array."""
    return input._array.shape if isinstance(input, Variable) else input.shape


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front; a 0-d tensor accepts 0 and -1, as PyTorch's. Raises
    IndexError out of range, TypeError for anything but an integer."""
    if type(dim) is not int:
        try:
            dim = operator.index(None if isinstance(dim, bool) else dim)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}") from None
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], "
            f"but got {dim})"
        )
    return dim + limit if dim < 0 else dim


def wrap_dims(dims: Dims, ndim: int) -> tuple[int, ...]:
    """Several dimensions counted from the front. Raises RuntimeError if one appears twice."""
    if not isinstance(dims, _SEQUENCE):
        return (wrap_dim(dims, ndim),)  # type: ignore[arg-type]  # which complains of others
    wrapped = tuple([wrap_dim(d, ndim) for d in dims])
    if len({*wrapped}) < len(wrapped):
        twice = next(d for d in wrapped if wrapped.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return wrapped


def sizes(args: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and, with `named`, ``f(size=(2, 3))`` mean the same."""
    args = args if named is None else (*args, named)
    if len(args) == 1 and isinstance(args[0], _SEQUENCE):
        args = tuple(args[0])
    try:
        return tuple(map(operator.index, args))
    except TypeError:
        kinds = ", ".join(type(size).__name__ for size in args)
        raise TypeError(f"sizes must be ints, but found ({kinds})") from None


def new_sizes(args: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """`sizes` for a new tensor. Raises RuntimeError for negative ones."""
    result = sizes(args, named)
    if (n := min(result, default=0)) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(result)}")
    if len(result) > 64:
        raise RuntimeError(f"tensors have at most 64 dimensions, but got {len(result)} sizes")
    if math.prod(filter(None, result)) >= 2**60:  # elements, whatever they are
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(result)}")
    return result


# ----- views: the result shares the memory of the input -----


@primitive(view=True, name=named("ViewBackward0"))
def _view(xp: Backend, input: Array, *, shape: tuple[int, ...], name: str = "") -> Array:
    return input.reshape(shape)


@primitive(view=True, name=named("PermuteBackward0"))
def _permute(xp: Backend, input: Array, *, dims: tuple[int, ...], name: str = "") -> Array:
    return input.transpose(dims)


_view.gradients(lambda g, _y, x_shape, *, shape, name="": _view(g, shape=x_shape))
_permute.gradients(lambda g, _y, _x, *, dims, name="": _permute(g, dims=_inverse(dims)))


def _inverse(dims: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


def _resolve(input: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with its -1 worked out. Raises RuntimeError if it does not fit."""
    count = (input._array if isinstance(input, Variable) else input).size
    if math.prod(shape) == count and (not shape or min(shape) >= 0):
        return shape
    if -1 in shape:
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        known = -math.prod(shape)
        if known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of {count} elements into shape {list(shape)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        shape = tuple([count // known if n == -1 else n for n in shape])
    if min(shape, default=0) < 0:
        raise RuntimeError(f"invalid shape dimension {min(shape)}")
    if math.prod(shape) != count:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return shape


def reshape(input: Any, *args: Any, shape: Any = None) -> Any:
    """The same elements in another shape, one size of which may be -1. A view if possible.

    >>> torch.reshape(torch.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return _view(input, shape=_resolve(input, sizes(args, shape)))


@primitive(view=True)
def _view_as_dtype(xp: Backend, input: Array, *, target: Any) -> Array:
    return input.view(target)


def _as_other_dtype(input: Any, target: DType) -> Any:
    array, own = input._array, of_array(input._array.dtype)
    what = f"to view {own.scalar_name} as {target.scalar_name} (different element sizes)"
    if target.itemsize != own.itemsize:
        if not array.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {what}")
        if (step := array.strides[-1] // array.itemsize) != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {step}")
        ratio = target.itemsize // own.itemsize
        if ratio and array.shape[-1] % ratio:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {ratio} {what}, but got {array.shape[-1]}"
            )
    return _view_as_dtype(input, target=target.array)


def view(input: Any, *args: Any, size: Any = None, dtype: Any = None) -> Any:
    """As `reshape`, without copying: raises RuntimeError if a view is not possible. ``view(dtype)``
    reads the same bytes as another dtype, without a gradient.

    >>> torch.ones(2, 2).view(4)
    tensor([1., 1., 1., 1.])
    >>> torch.tensor([1.0]).view(torch.int32)
    tensor([1065353216], dtype=torch.int32)
    """
    if len(args) == 1 and isinstance(args[0], DType):
        dtype = args[0]
    if dtype is not None:
        return _as_other_dtype(input, dtype)
    result = reshape(input, *args, shape=size)
    if result._array.size and result._view is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return result


def reshape_as(input: Any, other: Variable) -> Any:
    """The input in other's shape.

    >>> torch.arange(4).reshape_as(torch.ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return reshape(input, shape_of(other))


def view_as(input: Any, other: Variable) -> Any:
    """A view of the input in other's shape.

    >>> torch.arange(4).view_as(torch.ones(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return view(input, shape_of(other))


def ravel(input: Any) -> Any:
    """All elements in one dimension.

    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshape(input, (-1,)) if math.prod(shape_of(input)) else reshape(input, (0,))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Dimensions start_dim to end_dim made one.

    >>> torch.flatten(torch.ones(2, 3, 4), start_dim=1).shape
    torch.Size([2, 12])
    """
    shape = shape_of(input)
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    sizes = (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    return input if sizes == shape else reshape(input, sizes)


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """Dimension dim made several; one of the sizes may be -1.

    >>> torch.unflatten(torch.ones(2, 6), 1, (3, -1)).shape
    torch.Size([2, 3, 2])
    """
    shape = shape_of(input) or (1,)
    dim = wrap_dim(dim, len(shape))
    if -1 in sizes and shape[dim] % (math.prod(sizes) or 1) == 0:
        sizes = [-(shape[dim] // math.prod(sizes)) if n == -1 else n for n in sizes]
    if math.prod(sizes) != shape[dim]:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        )
    return reshape(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


def squeeze(input: Any, dim: Dims | None = None) -> Any:
    """Without the dimensions of size 1: all of them, or those of them in dim.

    >>> torch.squeeze(torch.ones(1, 2, 1)).shape, torch.squeeze(torch.ones(1, 2, 1), 0).shape
    (torch.Size([2]), torch.Size([2, 1]))
    """
    shape = shape_of(input)
    if dim is None:
        return _view(input, shape=tuple([n for n in shape if n != 1]), name="SqueezeBackward0")
    dims = wrap_dims(dim, len(shape))
    rest = tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims])
    name = "SqueezeBackward1" if isinstance(dim, int) else "SqueezeBackward2"
    return _view(input, shape=rest, name=name)


def unsqueeze(input: Any, dim: int) -> Any:
    """With a new dimension of size 1 at dim.

    >>> torch.unsqueeze(torch.ones(3), 0).shape, torch.unsqueeze(torch.ones(3), -1).shape
    (torch.Size([1, 3]), torch.Size([3, 1]))
    """
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape) + 1)
    return _view(input, shape=(*shape[:dim], 1, *shape[dim:]), name="UnsqueezeBackward0")


def permute(input: Any, *args: Any, dims: Any = None) -> Any:
    """The dimensions in another order.

    >>> torch.permute(torch.ones(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
    """
    ndim = len(shape_of(input))
    order = sizes(args, dims)
    if len(order) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(order)}"
        )
    order = wrap_dims(order, ndim)
    return _permute(input, dims=order)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions swapped.

    >>> torch.transpose(torch.ones(2, 3, 4), 0, 2).shape
    torch.Size([4, 3, 2])
    """
    ndim = len(shape_of(input))
    a, b = wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)
    order = [*range(ndim)]
    if ndim:
        order[a], order[b] = b, a
    return _permute(input, dims=tuple(order), name="TransposeBackward0")


swapaxes = swapdims = second_names(transpose)


def t(input: Any) -> Any:
    """The transpose of a matrix; a vector or number as it is.

    >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    ndim = len(shape_of(input))
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return _permute(input, dims=(1, 0) if ndim == 2 else (0,) * ndim, name="TBackward0")


def movedim(input: Any, source: Dims, destination: Dims) -> Any:
    """Dimensions moved to other places; the others keep their order.

    >>> torch.movedim(torch.ones(2, 3, 4), 0, 2).shape
    torch.Size([3, 4, 2])
    """
    ndim = len(shape_of(input))
    sources, places = wrap_dims(source, ndim), wrap_dims(destination, ndim)
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)}) should contain "
            f"the same number of dims as destination ({list(places)})"
        )
    order = [d for d in range(ndim) if d not in sources]
    for place, dim in sorted(zip(places, sources, strict=True)):
        order.insert(place, dim)
    return _permute(input, dims=tuple(order))


moveaxis = movedim


def expand(input: Any, *args: Any, size: Any = None, implicit: bool = False) -> Any:
    """A view with dimensions of size 1 repeated, and new ones in front; -1 keeps a size.

    >>> torch.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    old, new = shape_of(input), sizes(args, size)
    if len(new) < len(old):
        raise RuntimeError(
            f"expand({list(new)}): the number of sizes provided ({len(new)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({len(old)})"
        )
    lead = len(new) - len(old)
    shape = tuple(old[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(new))
    for i, n in enumerate(shape):
        if n < 0 or (i >= lead and old[i - lead] not in (1, n)):
            existing = old[i - lead] if i >= lead else "none"
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({existing}) "
                f"at non-singleton dimension {i}. Target sizes: {list(new)}. Tensor sizes: "
                f"{list(old)}"
            )
    return _expand(input, shape=shape)


broadcast_to = expand


def expand_as(input: Any, other: Variable) -> Any:
    """The input expanded to other's shape.

    >>> torch.tensor([1, 2]).expand_as(torch.ones(2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, shape_of(other))


def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]:
    """The shape that tensors of these shapes broadcast to. Raises RuntimeError if they do not.

    >>> torch.broadcast_shapes((2, 1), (1, 3), (3,))
    (2, 3)
    """
    tuples = [tuple(map(operator.index, (s,) if isinstance(s, int) else s)) for s in shapes]
    ndim = max(map(len, tuples), default=0)
    result = [1] * ndim
    for shape in tuples:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n != 1 and result[i] not in (1, n):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: "
                    f"{', '.join(str(list(s)) for s in tuples)}"
                )
            result[i] = n if n != 1 else result[i]
    return tuple(result)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """The tensors expanded to their common shape.

    >>> a, b = torch.broadcast_tensors(torch.ones(2, 1), torch.ones(3))
    >>> a.shape, b.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*map(shape_of, tensors))
    return tuple(expand(x, shape) for x in tensors)
