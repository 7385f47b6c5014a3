"""Small functions of tensors that are not operations, and PyTorch's constants."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .autograd import Variable
from .backends import is_host
from .creation import Device, as_tensor, empty, frombuffer
from .dtypes import dtype as DType, get_default_dtype
from .ops.strided import new_empty_strided

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan


def is_tensor(obj: object) -> bool:
    """Whether this is a tensor.

    >>> torch.is_tensor(torch.ones(2)), torch.is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, Variable)


def is_floating_point(input: Any) -> bool:
    """Whether the tensor's dtype is a floating one.

    >>> torch.is_floating_point(torch.ones(2)), torch.is_floating_point(torch.tensor([1]))
    (True, False)
    """
    return input.is_floating_point()


def numel(input: Any) -> int:
    """The number of elements.

    >>> torch.numel(torch.ones(2, 3))
    6
    """
    return input.numel()


def is_complex(input: Any) -> bool:
    """Whether the tensor's dtype is a complex one.

    >>> torch.is_complex(torch.ones(1))
    False
    """
    return input.is_complex()


def get_device(input: Any) -> int:
    """The number of the tensor's GPU, -1 for the CPU.

    >>> torch.get_device(torch.ones(1))
    -1
    """
    return input.get_device()


def is_conj(input: Any) -> bool:
    """Whether the tensor is lazily conjugated: none is.

    >>> torch.is_conj(torch.ones(1))
    False
    """
    return input.is_conj()


def is_neg(input: Any) -> bool:
    """Whether the tensor is lazily negated: none is.

    >>> torch.is_neg(torch.ones(1))
    False
    """
    return input.is_neg()


def is_inference(input: Any) -> bool:
    """Whether the tensor is bound to inference mode: none is.

    >>> torch.is_inference(torch.ones(1))
    False
    """
    return input.is_inference()


def is_signed(input: Any) -> bool:
    """Whether the dtype has negative numbers.

    >>> torch.is_signed(torch.tensor([True]))
    False
    """
    return input.is_signed()


def is_distributed(input: Any) -> bool:
    """Whether the tensor lies on several devices: none does.

    >>> torch.is_distributed(torch.ones(1))
    False
    """
    return input.is_distributed()


def imag(input: Any) -> Any:
    """There are no complex tensors: raises RuntimeError.

    >>> torch.imag(torch.ones(1))
    Traceback (most recent call last):
    RuntimeError: imag is not implemented for tensors with non-complex dtypes.
    """
    return input.imag


def adjoint(input: Any) -> Any:
    """Matrices (..., m, n) transposed: the last two dimensions swapped.

    >>> torch.adjoint(torch.ones(2, 3)).shape
    torch.Size([3, 2])
    """
    return input.adjoint()


def detach(input: Any) -> Any:
    """The same values, shape and memory, outside the graph.

    >>> torch.detach(torch.ones(1, requires_grad=True))
    tensor([1.])
    """
    return input.detach()


def detach_(input: Any) -> Any:
    """Cut the tensor, of any shape, off the graph that made it, and return it.

    >>> torch.detach_(torch.ones(1, requires_grad=True) * 2).requires_grad
    False
    """
    return input.detach_()


# ----- from anything -----


def asarray(
    obj: Any, *, dtype: DType | None = None, device: Device = None, copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Any:  # fmt: skip
    """A tensor of what obj has: a tensor, an array, a buffer of bytes (of the dtype's numbers), a
    number, or nested lists, which give the shape.

    Args:
        copy: True: in memory of its own; False: on obj's memory, and ValueError if that can't be;
            None: on obj's memory if that can be.
        requires_grad: None leaves it as it is; otherwise it is set, of a tensor that is not copied
            on obj itself.

    >>> x = torch.ones(2)
    >>> torch.asarray(x) is x, torch.asarray(x, copy=True) is x
    (True, False)
    """
    held = isinstance(obj, Variable) or is_host(obj) or hasattr(obj, "__cuda_array_interface__")
    if held:
        tensor = as_tensor(obj)
        result = tensor.to(device=device, dtype=dtype)
        if copy is False and result is not tensor:
            change = (tensor.dtype.scalar_name, result.dtype.scalar_name)
            what, kinds = "dtype", tuple(f"'{name}'" for name in change)
            if change[0] == change[1]:
                what, kinds = "device", (f"'{tensor.device}'", f"'{result.device}'")
            raise ValueError(f"can't alias tensor with {what} {kinds[0]} into {what} {kinds[1]}.")
        if copy and result is tensor:
            result = result.clone()
    elif isinstance(obj, bytes | bytearray | memoryview | array):
        own = frombuffer(obj, dtype=dtype or get_default_dtype())
        result = own.clone() if copy else own
    elif copy is False:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    else:
        result = as_tensor(obj, dtype, device)
    if requires_grad is None:
        return result
    if not requires_grad and not result.is_leaf:
        return result.detach()
    return result.requires_grad_(requires_grad)


# ----- memory in an order of its own -----


def empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Any:  # fmt: skip
    """Whatever was in memory, in a shape, with these steps between elements along each dimension.

    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    like = empty(0, dtype=dtype, device=device)
    return new_empty_strided(like, size, stride, requires_grad=requires_grad)


def empty_permuted(
    size: Sequence[int], physical_layout: Sequence[int], *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Any:  # fmt: skip
    """Whatever was in memory, in a shape, its dimensions in memory in another order: the first of
    physical_layout is the one with the largest steps.

    >>> torch.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    if sorted(physical_layout) != list(range(len(size))):
        raise RuntimeError(
            f"Number of dimensions in size {list(size)} does not match the physical_layout "
            f"{list(physical_layout)}, which must name each dimension once"
        )
    memory = empty([size[dim] for dim in physical_layout], dtype=dtype, device=device)
    places = [list(physical_layout).index(dim) for dim in range(len(size))]
    return memory.permute(places).requires_grad_(requires_grad)


def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()
) -> Any:
    """``true_fn(*operands)`` if pred, a bool or a tensor of one element, is true, else
    ``false_fn(*operands)``.

    >>> torch.cond(torch.tensor(False), torch.sin, torch.tanh, (torch.zeros(1),))
    tensor([0.])
    """
    if not isinstance(operands, tuple | list):
        raise RuntimeError(f"Expect operands to be a tuple or list, but got {type(operands)}.")
    return (true_fn if pred else false_fn)(*operands)


def _assert(condition: Any, message: str) -> None:
    """Raise AssertionError with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)
