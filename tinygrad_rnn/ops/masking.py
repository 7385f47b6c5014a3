"""Bool masks, positions of what is not zero, one-hot vectors."""

from __future__ import annotations

import operator
from typing import Any

from ..autograd import Variable
from ..backends import backend_of
from ..dtypes import int64, of_array
from .choice import _where, where
from .conversion import cast, without_overflow
from .indexing import getitem
from .rearranging import contiguous
from .shape import broadcast_tensors, reshape, shape_of


def _check_mask(name: str, mask: Any) -> None:
    if mask._array.dtype.kind != "b":
        raise RuntimeError(
            f"{name} only supports boolean masks, but got mask with dtype "
            f"{of_array(mask._array.dtype)}"
        )


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """A copy of input with value (a number or a 0-d tensor) where the bool mask holds, which
    broadcasts to input's shape.

    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> torch.masked_fill(x, x > 1, 0)
    tensor([1., 0., 0.])
    """
    _check_mask("masked_fill_", mask)
    own = of_array(input._array.dtype)
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        value = cast(value, own)
    else:
        value = without_overflow(value, own)
    return _where(mask, value, contiguous(input), name="MaskedFillBackward0")


def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the bool mask holds, as a vector; input and mask broadcast.

    >>> x = torch.tensor([[1, 2], [3, 4]])
    >>> torch.masked_select(x, x > 1)
    tensor([2, 3, 4])
    """
    _check_mask("masked_select", mask)
    input, mask = broadcast_tensors(input, mask)
    if not shape_of(mask):
        input, mask = reshape(input, (1,)), reshape(mask, (1,))
    return getitem(input, mask)


def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """A copy of input with the elements of source, in order, where the bool mask holds, which
    broadcasts to input's shape.

    >>> mask = torch.tensor([True, False, True])
    >>> torch.masked_scatter(torch.zeros(3), mask, torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    _check_mask("masked_scatter_", mask)
    if source._array.dtype != input._array.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{of_array(input._array.dtype)} and {of_array(source._array.dtype)}"
        )
    input, mask = broadcast_tensors(input, mask)
    flat = reshape(mask, (-1,))
    order = flat.cumsum(0) - 1  # of each place, the number of the source's element for it
    if bool(flat.any()) and int(order[-1]) >= source.numel():
        raise RuntimeError(
            f"masked_scatter: expected the source to have at least {int(order[-1]) + 1} elements"
        )
    if not source.numel():
        return input.clone()
    values = getitem(reshape(source, (-1,)), order.clamp(0))
    return where(mask, reshape(values, shape_of(mask)), input)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The positions of n nonzero elements: rows of a matrix (n, dimensions), or with as_tuple a
    vector (n) per dimension.

    >>> torch.nonzero(torch.tensor([[0, 5], [6, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    xp: Any = backend_of(input._array)
    array = input._array if input._array.ndim else input._array.reshape(1)
    found = xp.nonzero(array)
    if as_tuple:
        return tuple(input._wrap(f) for f in found)
    columns = found[: input._array.ndim]
    count = found[0].shape[0]
    if not columns:
        return input._wrap(xp.zeros((count, 0), int64.array))
    return input._wrap(xp.stack(columns, axis=1))


def argwhere(input: Any) -> Any:
    """The positions of n nonzero elements, as the rows of a matrix (n, dimensions).

    >>> torch.argwhere(torch.tensor([[0, 5], [6, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    return nonzero(input)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """int64 zeros with a 1 at each element of an integer tensor, along a new last dimension.

    Raises RuntimeError for negative classes and for classes beyond num_classes.

    >>> F.one_hot(torch.tensor([0, 2]), num_classes=3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    array, num_classes = tensor._array, int(operator.index(num_classes))
    xp: Any = backend_of(array)
    if array.dtype != int64.array:
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor, got "
            f"{of_array(array.dtype)}"
        )
    if array.size == 0 and num_classes <= 0:
        raise RuntimeError(
            "Can not infer total number of classes from empty tensor." if num_classes == -1
            else f"Class values must be smaller than num_classes={num_classes}."
        )  # fmt: skip
    if array.size:
        if num_classes == -1:
            num_classes = max(int(array.max()) + 1, 1)
        if num_classes < 1:
            raise RuntimeError("num_classes should be positive")
        message = f"Class values must be smaller than num_classes: got {{}} for {num_classes}"
        below = "Class values must be non-negative."
        xp.check_range(array, 0, num_classes, RuntimeError, message, below)
    found = xp.zeros((*array.shape, num_classes), int64.array)
    found.reshape(-1)[xp.arange(0, found.size, num_classes) + array.reshape(-1)] = 1
    return tensor._wrap(found)
