"""What a tensor is, and what it looks like from Python and NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from . import backends, dtypes
from .autograd import Leaf, current_edge, is_grad_enabled
from .autograd.primitive import address
from .autograd.trace import READ, refuse
from .backends import Array, backend_of, device, device_of
from .backends.deferred import deferred
from .dtypes import dtype
from .layout import layout, strided
from .methods import Methods
from .ops import shape
from .printing import format_tensor


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple of ints that prints as PyTorch's.

    >>> torch.ones(2, 3).shape, torch.ones(2, 3).shape.numel()
    (torch.Size([2, 3]), 6)
    """

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        try:
            part = super().__getitem__(index)
        except TypeError:
            kind = type(index).__name__
            raise TypeError(f"tuple indices must be integers or slices, not {kind}") from None
        except IndexError:
            raise IndexError(f"{self!r} has no dimension {index}") from None
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple | list):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to Size")
        return Size((*self, *other))

    def __radd__(self, other: Any) -> Size:
        if not isinstance(other, tuple | list):
            raise TypeError(f"can only concatenate tuple (not Size) to {type(other).__name__}")
        return Size((*other, *self))

    def __mul__(self, times: Any) -> Size:
        if not hasattr(type(times), "__index__"):
            raise TypeError(f"can't multiply Size by non-int of type {type(times).__name__}")
        return Size(super().__mul__(times))

    __rmul__ = __mul__


class Values(Methods):
    """The part of `Tensor` that only looks at the array."""

    __slots__ = ()

    # ----- what it is -----

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        sizes = self._array.shape
        return Size(sizes) if dim is None else sizes[self._wrapped(dim)]

    def _wrapped(self, dim: int) -> int:
        if not self._array.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return shape.wrap_dim(dim, self._array.ndim)

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """How many elements lie between neighbours along each dimension, in memory."""
        strides = tuple(step // self._array.itemsize for step in self._array.strides)
        return strides if dim is None else strides[self._wrapped(dim)]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in order."""
        return self._array.flags.c_contiguous

    @property
    def T(self) -> Any:
        """The dimensions in reverse order."""
        return shape._permute(self, dims=tuple(range(self._array.ndim - 1, -1, -1)))

    @property
    def H(self) -> Any:
        """A matrix transposed."""
        if self._array.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self._array.ndim}-D "
                "tensor; mT transposes batches of matrices"
            )
        return self.t()

    @property
    def real(self) -> Any:
        """The tensor itself."""
        return self

    @property
    def imag(self) -> Any:
        """There are no complex tensors: raises RuntimeError."""
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")

    @property
    def mT(self) -> Any:
        """Matrices transposed: the last two dimensions swapped."""
        if self._array.ndim < 2:
            raise RuntimeError(
                "tensor.mT is only supported on matrices or batches of matrices. Got "
                f"{self._array.ndim}-D tensor."
            )
        return shape.transpose(self, -2, -1)

    mH = mT

    def adjoint(self) -> Any:
        """Matrices transposed: the last two dimensions swapped."""
        if self._array.ndim < 2:
            raise RuntimeError(
                "tensor.adjoint() is only supported on matrices or batches of matrices. Got "
                f"{self._array.ndim}-D tensor."
            )
        return self.mT

    def element_size(self) -> int:
        """The bytes of one element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    @property
    def dtype(self) -> dtype:
        return dtypes.of_array(self._array.dtype)

    @property
    def device(self) -> device:
        return device_of(self._array)

    @property
    def layout(self) -> layout:
        return strided

    @property
    def is_cpu(self) -> bool:
        return backends.is_host(self._array)

    @property
    def is_cuda(self) -> bool:
        return not backends.is_host(self._array)

    @property
    def is_sparse(self) -> bool:
        return False

    def get_device(self) -> int:
        """The number of the GPU, -1 for the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def data_ptr(self) -> int:
        """The address of the first element; equal for tensors that share memory."""
        return address(self._array)

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating one."""
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """False: there are no complex tensors."""
        return False

    def is_conj(self) -> bool:
        """False: no tensor is lazily conjugated."""
        return False

    def is_neg(self) -> bool:
        """False: no tensor is lazily negated."""
        return False

    def is_inference(self) -> bool:
        """False: tensors made in inference_mode are ordinary ones."""
        return False

    def is_distributed(self) -> bool:
        """False: a tensor is on one device."""
        return False

    def is_pinned(self) -> bool:
        """Whether it is in memory of the host that GPUs read by themselves."""
        return backends.is_pinned(self._array)

    def is_shared(self) -> bool:
        """Whether the memory is one that other processes can see: that of a GPU."""
        return self.is_cuda

    is_meta = is_quantized = is_mkldnn = is_nested = is_sparse_csr = False
    is_mps = is_xla = is_xpu = is_ipu = is_vulkan = is_maia = is_mtia = False

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers."""
        return self.dtype.is_signed

    @property
    def _version(self) -> int:
        """How often the memory was changed in place."""
        return self._changes[0]

    def __repr__(self) -> str:
        edge = current_edge(self)
        node = None if edge is None or isinstance(edge[0], Leaf) else edge[0]
        return format_tensor(
            self._host(),
            dtype=self.dtype.name,
            default_dtype=dtypes.get_default_dtype().name,
            device=str(self.device),
            requires_grad=edge is not None,
            grad_fn=None if node is None else node._name().rpartition("::")[2],
        )

    # ----- as Python's numbers and lists -----

    def _number(self) -> Any:
        refuse(READ)
        number = self._array.item()
        if deferred.waiting and self.is_cuda:
            deferred.report()
        return number

    def item(self) -> Any:
        """The only element as a Python number. Raises RuntimeError if there are more."""
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._number()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._host().tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            values = "more than one value" if self._array.size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {values} is ambiguous")
        return bool(self._number())

    def _only(self) -> Any:
        if self._array.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars; this one has "
                f"{self._array.size}"
            )
        return self._number()

    def __float__(self) -> float:
        return float(self._only())

    def __int__(self) -> int:
        return int(self._only())

    def __index__(self) -> int:
        if self._array.dtype.kind == "f" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._number())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._array.ndim else object.__format__(self, spec)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0) if len(self) else ())

    def __reversed__(self) -> Any:
        return self.flip(0) if self._array.ndim else self

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, Values | float | int):
            raise RuntimeError(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(element)}."
            )
        return bool((self == element).any())

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    # ----- as NumPy's arrays -----

    __array_priority__ = 1000  # NumPy's operators leave array * tensor to us

    def numpy(self, *, force: bool = False) -> Any:
        """A NumPy array on the same memory. Raises RuntimeError for a tensor that requires a
        gradient (not in no_grad mode), TypeError for one on a GPU; ``force=True`` detaches and
        copies instead."""
        if not isinstance(force, bool):
            kind = type(force).__name__
            raise TypeError(f"numpy(): argument 'force' must be bool, not {kind}")
        if force:
            return self._host()
        if current_edge(self) is not None and is_grad_enabled():
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to "
                "copy the tensor to host memory first."
            )
        refuse(READ)
        return self._array

    def _host(self) -> Array:
        refuse(READ)
        xp: Any = backend_of(self._array)
        return xp.to_host(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """The result of a NumPy function of this tensor as a tensor again."""
        return self._wrap(array)

    def __dlpack__(self, **options: Any) -> Any:
        if current_edge(self) is not None:
            raise BufferError(
                "Can't export tensors that require gradient, use tensor.detach() first"
            )
        refuse(READ)
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> Any:
        """How other libraries use the memory of a tensor on a GPU, without a copy."""
        if not self.is_cuda:
            raise AttributeError(
                "Can't get __cuda_array_interface__ on non-CUDA tensor type: "
                f"torch.{self.dtype.scalar_name}Tensor If CUDA data is required use tensor.cuda() "
                "to copy tensor to device memory."
            )
        if current_edge(self) is not None:
            raise RuntimeError(
                "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients "
                "aren't required, use var.detach() to get Variable that doesn't require grad."
            )
        refuse(READ)
        return self._array.__cuda_array_interface__
