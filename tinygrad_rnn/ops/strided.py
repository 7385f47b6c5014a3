"""A tensor's memory seen with other sizes and strides, and tensors that are given other memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, current_edge, is_grad_enabled, primitive
from ..autograd.primitive import _offsets, _spread, address, paste
from ..backends import Array, Backend, backend_of
from ..dtypes import of_array
from .indexing import getitem
from .joining import cat
from .shape import new_sizes, reshape, shape_of, sizes, wrap_dim


def _storage(array: Array) -> Array:
    """The whole memory that an array looks into, as a vector of its dtype."""
    xp: Any = backend_of(array)
    owner = array.base if type(array.base) is xp.ndarray else array
    for whole in (owner, owner.transpose(), array, array.transpose()):
        if whole.flags.c_contiguous:
            return whole.reshape(-1).view(array.dtype)
    steps = zip(array.shape, array.strides, strict=True)  # memory with holes
    extent = 1 + sum((n - 1) * step for n, step in steps) // array.itemsize
    return xp.as_strided(array, (extent,), (array.itemsize,))


def storage_offset(input: Any) -> int:
    """How many elements of the memory lie in front of the first one of this tensor.

    >>> torch.arange(4)[1:].storage_offset()
    1
    """
    array = input._array
    return (address(array) - address(_storage(array))) // array.itemsize


def _strided_array(
    input: Any, size: Sequence[int], stride: Sequence[int], offset: int | None
) -> Array:
    array = input._array
    size, stride = sizes((tuple(size),)), sizes((tuple(stride),))
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape: sizes {list(size)}, strides {list(stride)}"
        )
    if min(size, default=0) < 0:
        raise RuntimeError(f"as_strided: sizes must not be negative, but got {list(size)}")
    if min(stride, default=0) < 0:
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(stride)}"
        )
    whole = _storage(array)
    start = storage_offset(input) if offset is None else offset
    last = start + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) and not 0 <= start <= last < whole.size:
        needed, there = (last + 1) * array.itemsize, whole.size * array.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {start}, and "
            f"itemsize {array.itemsize} requiring a storage size of {needed} are out of bounds for "
            f"storage of size {there}"
        )
    xp: Any = backend_of(array)
    return xp.as_strided(whole[start:], size, tuple(step * array.itemsize for step in stride))


def _places(source: Array, array: Array) -> Array:
    """For each element of an array the number of the source's element in the same place, and the
    number of its elements where there is none."""
    xp: Any = backend_of(array)
    at = _offsets(xp, array) + (address(array) - address(source))
    own = _offsets(xp, source).reshape(-1)
    if not own.size:
        return xp.zeros(at.shape, own.dtype)
    order = own.argsort()
    found = order[xp.searchsorted(own[order], at).clip(0, own.size - 1)]
    return xp.where(own[found] == at, found, own.size)


@primitive(view=True, name="AsStridedBackward0")
def _as_strided(xp: Backend, input: Array, *, view: Array, places: Any) -> Array:
    return view


def _as_strided_rule(g: Any, _y: Any, x_shape: Any, *, view: Array, places: Any) -> Any:
    count = math.prod(x_shape)
    return _spread(g, shape=(count + 1,), places=places)[:count].reshape(x_shape)


_as_strided.gradients(_as_strided_rule)


def as_strided(
    input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Any:
    """A view of the memory behind input with these sizes and strides (in elements), from
    storage_offset (default: where input begins) on. Elements may share memory; those that lie
    outside of the input have no gradient. Raises RuntimeError for places outside of the memory.

    >>> torch.as_strided(torch.arange(4), (2, 2), (1, 1), 1)
    tensor([[1, 2],
            [2, 3]])
    """
    array = _strided_array(input, size, stride, storage_offset)
    recorded = is_grad_enabled() and current_edge(input) is not None
    places = _places(input._array, array) if recorded else None
    return _as_strided(input, view=array, places=places)


def as_strided_scatter(
    input: Any, src: Any, size: Sequence[int], stride: Sequence[int],
    storage_offset: int | None = None,
) -> Any:  # fmt: skip
    """A copy of input with src, of the shape size, written where ``as_strided`` with the same
    arguments looks.

    >>> torch.as_strided_scatter(torch.zeros(4), torch.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    array = _strided_array(input, size, stride, storage_offset)
    if array.shape != shape_of(src):
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = "
            f"{list(shape_of(src))}, slice size = {list(array.shape)}"
        )
    count = math.prod(shape_of(input))
    spare = cat([reshape(input, (-1,)), input.new_zeros((1,))])  # for places outside of the input
    written = paste(spare, src, places=_places(input._array, array))
    return reshape(getitem(written, slice(0, count)), shape_of(input))


# ----- windows -----


@primitive(view=True, name="UnfoldBackward0")
def _windows(xp: Backend, input: Array, *, dim: int, size: int, step: int) -> Array:
    """All windows of a size along a dimension, which share memory where they overlap."""
    array = input.copy() if min(input.strides, default=0) < 0 else input
    whole = _storage(array)
    start = (address(array) - address(whole)) // array.itemsize
    shape, strides = [*array.shape, size], [*array.strides, array.strides[dim]]
    shape[dim] = (shape[dim] - size) // step + 1
    strides[dim] *= step
    return xp.as_strided(whole[start:], tuple(shape), tuple(strides))


@primitive(name="UnfoldBackwardBackward0")
def _sum_of_windows(xp: Backend, windows: Array, *, length: int, dim: int, step: int) -> Array:
    """A tensor whose windows along a dimension have these sums: each is added where it lies."""
    count, size = windows.shape[dim], windows.shape[-1]
    result = xp.zeros((*windows.shape[:dim], length, *windows.shape[dim + 1 : -1]), windows.dtype)
    places, parts = xp.moveaxis(result, dim, 0), xp.moveaxis(windows, dim, 0)
    if size < count:
        for k in range(size):
            places[k : k + (count - 1) * step + 1 : step] += parts[..., k]
    else:
        for i in range(count):
            places[i * step : i * step + size] += xp.moveaxis(parts[i], -1, 0)
    return result


_windows.gradients(
    lambda g, _y, x_shape, *, dim, size, step: _sum_of_windows(
        g, length=x_shape[dim], dim=dim, step=step
    )
)
_sum_of_windows.gradients(
    lambda g, _y, w_shape, *, length, dim, step: _windows(g, dim=dim, size=w_shape[-1], step=step)
)


def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """A view of all windows of a size along a dimension, `step` apart: what is inside a window is
    the new last dimension. Raises RuntimeError for a size that does not fit, or a step below 1.

    >>> torch.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    shape = shape_of(input)
    dim = wrap_dim(dimension, len(shape))
    length = shape[dim] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(
            f"maximum size for tensor at dimension {dim} is {length} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if shape:
        return _windows(input, dim=dim, size=size, step=step)
    return reshape(input, (1,))[:size]


# ----- other memory for a tensor -----


def resize_(input: Any, *args: Any, size: Any = None, memory_format: Any = None) -> Any:
    """The tensor itself with other sizes: the same elements of its memory in order, and of memory
    that is larger if needed, where new elements are 0. Raises RuntimeError if it requires a
    gradient.

    >>> torch.arange(4).resize_(2, 3)
    tensor([[0, 1, 2],
            [3, 0, 0]])
    """
    wanted = new_sizes(args, size)
    if current_edge(input) is not None:
        raise RuntimeError("cannot resize variables that require grad")
    array = input._array
    part = _storage(array)[storage_offset(input) :]
    count = math.prod(wanted)
    if count > part.size:
        xp: Any = backend_of(array)
        part = xp.concatenate([part, xp.zeros(count - part.size, array.dtype)])
    if array.shape != wanted:
        input.data = input._wrap(part[:count].reshape(wanted))
    return input


def resize_as_(input: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """`resize_` to the sizes of another tensor.

    >>> torch.arange(4).resize_as_(torch.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return resize_(input, shape_of(the_template))


def set_(
    input: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Any:
    """The tensor itself on the memory of another one (of the same dtype), or on none.

    >>> torch.empty(0).set_(torch.ones(2))
    tensor([1., 1.])
    """
    if source is None:
        input.data = input._wrap(input._array.reshape(-1)[:0].copy())
        return input
    if not isinstance(source, Variable):
        raise TypeError(f"set_(): argument 'source' must be Tensor, not {type(source).__name__}")
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            "Could not set tensor of type "
            f"{of_array(source._array.dtype)} to a tensor of type {of_array(input._array.dtype)}"
        )
    if size is not None:
        size = sizes((size,))
        if stride is None:
            stride = [math.prod(size[i + 1 :]) for i in range(len(size))]
        stride = sizes((stride,))
        source = as_strided(source.detach(), size, stride, storage_offset)  # type: ignore[attr-defined]
    input.data = source
    return input


def is_set_to(input: Any, tensor: Any) -> bool:
    """Whether two tensors look into the same memory alike.

    >>> x = torch.ones(2)
    >>> x.is_set_to(x.view(2)), x.is_set_to(x.clone())
    (True, False)
    """
    a, b = input._array, tensor._array
    return address(a) == address(b) and (a.shape, a.strides) == (b.shape, b.strides)


def new_empty_strided(
    input: Any, size: Sequence[int], stride: Sequence[int], dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """Uninitialised memory in a shape, with these steps between elements along each dimension, and
    this tensor's dtype and device unless others are given."""
    size, stride = sizes((tuple(size),)), sizes((tuple(stride),))
    room = 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=False))
    memory = input.new_empty((room if math.prod(size) else 0,), dtype=dtype, device=device)
    return as_strided(memory, size, stride).requires_grad_(requires_grad)
