"""`Tensor`: what a user holds. An array, its gradient, and its place in the graph.

The mathematics is in `ops`; a method here is the same object as the function of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import backends, dtypes
from .autograd import Leaf, Variable, api as autograd, current_edge
from .autograd.graph import RemovableHandle, add_hook
from .backends import Array, HostScalar, backend_of, device, device_of
from .dtypes import dtype
from .methods import Methods
from .ops import conversion, shape
from .ops.data import array_of
from .printing import format_tensor


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple of ints that prints as PyTorch's."""

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size(super().__add__(tuple(other)))


class Tensor(Methods):
    """A multi-dimensional array that records what is done to it.

    ``Tensor(2, 3)`` and ``Tensor([1, 2])`` make float tensors as PyTorch's legacy constructor
    does; prefer `tensor`, `zeros`, ...

    Attributes:
        data: the same values as a tensor outside the graph; assigning replaces the values.
        grad: the collected gradient, None before the first backward.
        grad_fn: the node of the operation that made this tensor, None for a leaf.
        requires_grad: whether gradients flow to this tensor.
    """

    __array_priority__ = 1000  # NumPy's operators leave array * tensor to us
    __hash__ = object.__hash__

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = object.__new__(cls)
        self._leaf = self._edge = self._view = None
        self._changes = [0]
        return self

    def __init__(self, *data: Any, device: Any = None) -> None:
        default = dtypes.get_default_dtype()
        where = backends.as_device(device)
        xp: Any = backends.backend_for(where)
        with xp.on_device(where.index):
            if len(data) == 1 and not isinstance(data[0], int):
                source = data[0]
                values = source._array if isinstance(source, Variable) else array_of(source)
                self._array = backends.move(values, where).astype(default.array)
            else:
                self._array = xp.zeros(data or (0,), default.array)

    @staticmethod
    def _wrap(array: Array, edge: Any = None) -> Tensor:
        tensor = object.__new__(Tensor)
        if type(array) is not _HOST_ARRAY and isinstance(array, HostScalar):
            array = _host.asarray(array)  # NumPy's ufuncs give these for 0-d arrays
        tensor._array = array
        tensor._edge = edge
        tensor._leaf = tensor._view = None
        tensor._changes = [0]
        return tensor

    # ----- what it is -----

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return Size(self._array.shape)
        index = shape.wrap_dim(dim, self._array.ndim)
        return self._array.shape[index]

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
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in order."""
        return self._array.flags.c_contiguous

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
    def is_cuda(self) -> bool:
        return not backends.is_host(self._array)

    def get_device(self) -> int:
        """The number of the GPU, -1 for the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def data_ptr(self) -> int:
        """The address of the first element; equal for tensors that share memory."""
        if backends.is_host(self._array):
            return self._array.ctypes.data
        return self._array.data.ptr

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating one."""
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """False: there are no complex tensors."""
        return False

    def is_signed(self) -> bool:
        """Whether the dtype has negative numbers."""
        return self.dtype.is_signed

    @property
    def _version(self) -> int:
        """How often the memory was changed in place."""
        return self._changes[0]

    # ----- values -----

    def item(self) -> Any:
        """The only element as a Python number. Raises RuntimeError if there are more."""
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._host().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """A NumPy array on the same memory. Raises RuntimeError for a tensor that requires a
        gradient, TypeError for one on a GPU; ``force=True`` detaches and copies instead."""
        if force:
            return self._host()
        if self._edge is not None:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to "
                "copy the tensor to host memory first."
            )
        return self._array

    def _host(self) -> Any:
        xp: Any = backend_of(self._array)
        return xp.to_host(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        if self._edge is not None:
            raise BufferError(
                "Can't export tensors that require gradient, use tensor.detach() first"
            )
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __bool__(self) -> bool:
        if self._array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._array.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        return bool(self._array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._array.dtype.kind == "f" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._array.ndim else object.__format__(self, spec)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0) if len(self) else ())

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __repr__(self) -> str:
        edge = current_edge(self)
        node = None if edge is None or isinstance(edge[0], Leaf) else edge[0]
        return format_tensor(
            self._host(),
            dtype=self.dtype.name,
            default_dtype=dtypes.get_default_dtype().name,
            device=str(self.device),
            requires_grad=edge is not None,
            grad_fn=None if node is None else node._name(),
        )

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self._host(), str(self.device), self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment; detach() first"
            )
        copy = _rebuild(type(self), self._array.copy(), None, self.requires_grad)
        copy.__dict__.update(self.__dict__)
        if self.grad is not None:
            copy.grad = self.grad.clone()
        memo[id(self)] = copy
        return copy

    # ----- its place in the graph -----

    @property
    def requires_grad(self) -> bool:
        return current_edge(self) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient (or no longer). Raises RuntimeError for integers, and when a tensor
        that operations made is told not to require one."""
        if not requires_grad:
            if not self.is_leaf:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use "
                    "a computed variable in a subgraph that doesn't require differentiation use "
                    "var_no_grad = var.detach()."
                )
            self._edge = None
        elif self._edge is None:
            if self._array.dtype.kind != "f":
                raise RuntimeError(
                    "Only Tensors of floating point and complex dtype can require gradients"
                )
            self._edge = (self._leaf_cell(), 0)
        return self

    def _leaf_cell(self) -> Leaf:
        if self._leaf is None:
            self._leaf = Leaf(self)
        return self._leaf

    @property
    def is_leaf(self) -> bool:
        return self._edge is None or isinstance(self._edge[0], Leaf)

    @property
    def grad_fn(self) -> Any:
        edge = current_edge(self)
        return None if edge is None or isinstance(edge[0], Leaf) else edge[0]

    @property
    def output_nr(self) -> int:
        return 0 if self._edge is None else self._edge[1]

    @property
    def grad(self) -> Tensor | None:
        return None if self._leaf is None else self._leaf.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            if self._leaf is not None:
                self._leaf.grad = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value)}"
            )
        if value._array.shape != self._array.shape or value._array.dtype != self._array.dtype:
            raise RuntimeError(
                f"assigned grad has data of a different size or type: expected {self.dtype} of "
                f"{list(self.shape)}, got {value.dtype} of {list(value.shape)}"
            )
        self._leaf_cell().grad = value

    @property
    def data(self) -> Tensor:
        # As in PyTorch, autograd does not notice changes through .data: a counter of its own
        return self._wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._array = value._array
        if self._leaf is not None:
            self._leaf._shapes = (self._array.shape,)

    def detach(self) -> Tensor:
        """The same values and memory, outside the graph."""
        result = self._wrap(self._array)
        result._changes = self._changes
        return result

    def detach_(self) -> Tensor:
        """Cut this tensor off the graph that made it."""
        if self._view is not None and self._view.base._edge is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._edge = None
        return self

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add the gradients of this tensor to the `.grad` of the leaves it depends on: see
        `autograd.backward`."""
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Collect `.grad` although this tensor is not a leaf."""
        edge = current_edge(self)
        if edge is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        node, index = edge
        if not isinstance(node, Leaf):
            node._with_extras().retained[index] = self._leaf_cell()

    @property
    def retains_grad(self) -> bool:
        node = self.grad_fn
        return bool(node is not None and node._extras and self.output_nr in node._extras.retained)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever this tensor's gradient is computed; what it returns, if
        anything, takes the gradient's place."""
        edge = current_edge(self)
        if edge is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return add_hook(edge[0]._with_extras().tensor_hooks.setdefault(edge[1], {}), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after each addition to this leaf's `.grad`."""
        if current_edge(self) is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        return add_hook(self._leaf_cell().accumulated_hooks, hook)

    # ----- other types and places -----

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``: this tensor in
        another dtype or on another device; itself if nothing changes and copy is not set."""
        target, where, copy = parse_to(args, kwargs)
        result = self if where is None else conversion.to_device(self, where)
        if target is not None:
            result = conversion.cast(result, target)
        return result.clone() if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """The name of the tensor's type, or the tensor in another dtype."""
        if dtype is None:
            return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
        return self.to(dtype)

    def _new(self, name: str, *args: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
        where = self.device if device is None else backends.as_device(device)
        xp: Any = backends.backend_for(where)
        with xp.on_device(where.index):
            array = getattr(xp, name)(*args, dtype=(dtype or self.dtype).array)
        return self._wrap(array).requires_grad_(requires_grad)

    def new_zeros(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Zeros, with this tensor's dtype and device unless others are given."""
        size = shape.sizes(args, size)
        return self._new("zeros", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Ones, with this tensor's dtype and device unless others are given."""
        size = shape.sizes(args, size)
        return self._new("ones", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Uninitialised memory, with this tensor's dtype and device unless others are given."""
        size = shape.sizes(args, size)
        return self._new("empty", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """One value, with this tensor's dtype and device unless others are given."""
        return self._new(
            "full", tuple(size), fill_value, dtype=dtype, device=device,
            requires_grad=requires_grad,
        )  # fmt: skip

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A copy of the data, with this tensor's dtype and device unless others are given."""
        where = self.device if device is None else backends.as_device(device)
        array = backends.move(array_of(data, dtype or self.dtype), where)
        return self._wrap(array).requires_grad_(requires_grad)

    def cpu(self) -> Tensor:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        """On a GPU."""
        return self.to("cuda" if device is None else device)

    def type_as(self, other: Tensor) -> Tensor:
        """In other's dtype and place."""
        return self.to(other.device, other.dtype)

    def pin_memory(self) -> Tensor:
        """The tensor itself: copies to the GPU pin memory when they need to."""
        return self


def parse_to(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """(dtype, device, copy) from the arguments that `to` takes. Raises TypeError for others."""
    target, where = kwargs.get("dtype"), kwargs.get("device")
    other = kwargs.get("other")
    for arg in args:
        if isinstance(arg, dtype):
            target = arg
        elif isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, str | device | int) and not isinstance(arg, bool):
            where = arg
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(
                f"to() received an invalid argument: expected dtype, device or Tensor, got {arg!r}"
            )
    if other is not None:
        target, where = other.dtype, other.device
    return target, None if where is None else backends.as_device(where), kwargs.get("copy", False)


_HOST_ARRAY = backends.backend_for(backends.CPU).ndarray
_host: Any = backends.backend_for(backends.CPU)
_TYPE_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "uint8": "Byte", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool",
}  # fmt: skip


def _rebuild(cls: type[Tensor], array: Array, where: str | None, requires_grad: bool) -> Tensor:
    """A tensor from its values: for pickle and copy."""
    tensor = cls.__new__(cls)
    tensor._array = array if where is None else backends.move(array, device(where))
    return tensor.requires_grad_(requires_grad)
