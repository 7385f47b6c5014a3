"""The memory behind a tensor, which all views of it share, as PyTorch's programs look at it."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from ..autograd import Variable
from ..autograd.primitive import address
from ..backends import Array, device, device_of
from ..dtypes import dtype as DType, of_array, uint8
from ..warning import warn
from .strided import _storage


class UntypedStorage:
    """A vector of bytes, each an int. Equal for tensors of any shape that share memory.

    >>> x = torch.arange(4)
    >>> x[1:].untyped_storage() == x.untyped_storage(), x.untyped_storage().nbytes()
    (True, 32)
    """

    def __init__(self, array: Array) -> None:
        self._array = array  # a vector, of the tensor's dtype

    @property
    def device(self) -> device:
        return device_of(self._array)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return address(self._array)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self._array.nbytes)

    def size(self) -> int:
        """How many elements there are."""
        return len(self)

    def element_size(self) -> int:
        """The bytes of an element."""
        return int(self._elements().itemsize)

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return list(self)

    def fill_(self, value: float) -> UntypedStorage:
        """Set every element, in the tensors as well."""
        self._elements().fill(value)
        return self

    def _elements(self) -> Array:
        return self._array.view(uint8.array)

    def _place(self, index: Any) -> int:
        at, size = operator.index(index), len(self)
        if not -size <= at < size:
            raise IndexError(f"index {at} out of range for storage of size {size}")
        return at

    def __getitem__(self, index: int) -> Any:
        return self._elements()[self._place(index)].item()

    def __setitem__(self, index: int, value: float) -> None:
        self._elements()[self._place(index)] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements().tolist())

    def __len__(self) -> int:
        return len(self._elements())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UntypedStorage) or type(other) is not type(self):
            return False
        return self.data_ptr() == other.data_ptr() and self.nbytes() == other.nbytes()

    def __hash__(self) -> int:
        return hash((type(self), self.data_ptr(), self.nbytes()))

    def _kind(self) -> str:
        return f"device={self.device}"

    def __repr__(self) -> str:
        lines = "".join(f" {element}\n" for element in self)
        return f"{lines}[torch.storage.{type(self).__name__}({self._kind()}) of size {len(self)}]"


class TypedStorage(UntypedStorage):
    """A vector of elements of one dtype, each a Python number, for a tensor of any shape. PyTorch
    deprecates it: prefer `UntypedStorage`.
    """

    @property
    def dtype(self) -> DType:
        return of_array(self._array.dtype)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._array)

    def _elements(self) -> Array:
        return self._array

    def _place(self, index: Any) -> int:
        if isinstance(index, slice):
            raise RuntimeError("slices are not supported in TypedStorage.__getitem__")
        return super()._place(index)

    def _kind(self) -> str:
        return f"dtype={self.dtype}, {super()._kind()}"


def untyped_storage(input: Variable) -> UntypedStorage:
    """The memory behind a tensor, as bytes.

    >>> torch.ones(2).untyped_storage().nbytes()
    8
    """
    return UntypedStorage(_storage(input._array))


def storage(input: Variable) -> TypedStorage:
    """The memory behind a tensor, as elements of its dtype. Warns as PyTorch does."""
    warn("TypedStorage is deprecated; use tensor.untyped_storage() instead of tensor.storage()")
    return TypedStorage(_storage(input._array))
