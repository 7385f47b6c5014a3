"""`Tensor`: what a user holds. An array, its gradient, and its place in the graph.

The mathematics is in `ops`; a method is the same object as the function of that name. What only
looks at the array is in `values`, what changes the graph or makes other tensors is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import backends, dtypes
from .autograd import Leaf, Variable, View, api as autograd, current_edge
from .autograd.graph import RemovableHandle, add_hook, shown
from .backends import Array, HostScalar, device
from .dtypes import as_dtype, dtype
from .ops import conversion, shape
from .ops.data import array_of
from .values import Size as Size, Values
from .warning import warn

_NO_LEAF = "you can only change requires_grad flags of leaf variables. Use detach() for others."


class Tensor(Values):
    """A multi-dimensional array that records what is done to it.

    ``Tensor(2, 3)`` and ``Tensor([1, 2])`` make float tensors; prefer `tensor`, `zeros`, ...

    Attributes:
        data: the same values as a tensor outside the graph; assigning replaces the values.
        grad: the collected gradient, of the same shape; None before the first backward.
        grad_fn: the node of the operation that made this tensor, None for a leaf.
        requires_grad: whether gradients flow to this tensor.

    >>> x = torch.Tensor([1, 2]).requires_grad_()
    >>> torch.autograd.grad((x * x).sum(), x)
    (tensor([2., 4.]),)
    """

    __hash__ = object.__hash__

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = object.__new__(cls)
        self._leaf, self._edge, self._view, self._changes = None, None, None, [0]
        return self

    def __init__(
        self, *data: Any, device: Any = None, requires_grad: bool = False, volatile: bool = False
    ) -> None:
        if data and isinstance(data[0], Tensor):
            self._array, self._changes = data[0]._array, data[0]._changes
        else:
            self._array = legacy_array(data, dtypes.get_default_dtype(), device)
        self.requires_grad_(requires_grad or any(x is True for x in data[1:]))  # Variable(x, True)

    def _wrap(self, array: Array, edge: Any = None) -> Tensor:
        tensor = _new(Tensor)
        if type(array) is not _HOST_ARRAY and isinstance(array, HostScalar):
            array = _host.asarray(array)  # NumPy's ufuncs give these for 0-d arrays
        tensor._array = array
        tensor._edge = edge
        tensor._leaf = tensor._view = None
        tensor._changes = [0]
        return tensor

    def __reduce__(self) -> Any:
        values = type(self), self._host(), str(self.device), self.requires_grad
        return _rebuild, values, self.__dict__ or None

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
        if self._edge is not None:
            return True
        view = self._view
        if view is None or view.fixed == View.IN_NO_GRAD:
            return False
        return view.base._edge is not view.edge and view.base._edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__}")
        if not self.is_leaf:
            raise RuntimeError(_NO_LEAF)
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient (or no longer). Raises RuntimeError for integers, and when a tensor
        that operations made is told not to require one."""
        if not isinstance(requires_grad, bool):
            name = type(requires_grad).__name__
            raise TypeError(f"requires_grad_(): 'requires_grad' must be bool, not {name}")
        if not requires_grad:
            if not self.is_leaf:
                raise RuntimeError(_NO_LEAF)
            self._forget_graph()
        elif self._edge is None:
            if self._array.dtype.kind != "f":
                raise RuntimeError(
                    "Only Tensors of floating point and complex dtype can require gradients"
                )
            self._edge = (self._leaf_cell(), 0)
            self._leaf_cell().wanted = True
        return self

    def _leaf_cell(self) -> Leaf:
        if self._leaf is None:
            self._leaf = Leaf(self)
        return self._leaf

    def _forget_graph(self) -> None:
        self._edge = None
        if self._leaf is not None:
            self._leaf.wanted = False

    @property
    def is_leaf(self) -> bool:
        edge = current_edge(self)
        return edge is None or isinstance(edge[0], Leaf)

    @property
    def grad_fn(self) -> Any:
        edge = current_edge(self)
        return None if edge is None or isinstance(edge[0], Leaf) else shown(edge[0])

    @property
    def output_nr(self) -> int:
        return 0 if self._edge is None else self._edge[1]

    @property
    def grad(self) -> Tensor | None:
        if self._leaf is not None:
            return self._leaf.grad
        if not self.is_leaf:
            warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. It "
                "stays None: call retain_grad() on the tensor before backward() to have it "
                "collected."
            )
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is None:
            del self.grad
            return
        if not isinstance(value, Tensor):
            raise TypeError(
                "assigned grad expected to be a Tensor or None but got grad of type "
                f"{type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of "
                f"size '{list(self.shape)}'. Please ensure that the gradient and the tensor are "
                "the same size"
            )
        for what in ("dtype", "device"):
            if (new := getattr(value, what)) != (own := getattr(self, what)):
                raise RuntimeError(
                    f"attempting to assign a gradient with {what} {new} to a tensor with {own}"
                )
        self._leaf_cell().grad = value

    @grad.deleter
    def grad(self) -> None:
        if self._leaf is not None:
            self._leaf.grad = None

    @property
    def data(self) -> Tensor:
        # As in PyTorch, autograd does not notice changes through .data: a counter of its own
        return self._wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Variable):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._edge is not None and value._array.dtype.kind != "f":
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex "
                f"dtype, got {value._array.dtype}"
            )
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
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._forget_graph()
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
        another dtype or on another device; itself if nothing changes and copy is not set. A GPU
        reads pinned memory later with non_blocking: it must stay as it is until then."""
        target, where, non_blocking, copy = parse_to(args, kwargs)
        result = self if where is None else conversion.to_device(self, where, non_blocking)
        if target is not None:
            result = conversion.cast(result, target)
        return result.clone() if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """The name of the tensor's type, or the tensor in another dtype."""
        if dtype is None:
            return f"torch.{'cuda.' * self.is_cuda}{self.dtype.scalar_name}Tensor"
        return self.to(*dtypes.of_type(dtype))

    def new(self, *data: Any) -> Tensor:
        """``new(2, 3)``: zeros of that shape; ``new([2, 3])``: those values; both with this
        tensor's dtype and device. Prefer `new_zeros`, `new_tensor`."""
        return self._wrap(legacy_array(data, self.dtype, self.device))

    def _new(self, name: str, *args: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
        where = self.device if device is None else backends.as_device(device)
        xp: Any = backends.backend_for(where)
        with xp.on_device(where.index):
            array = getattr(xp, name)(*args, dtype=as_dtype(dtype or self.dtype).array)
        return self._wrap(array).requires_grad_(requires_grad)

    def new_zeros(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Zeros, with this tensor's dtype and device unless others are given."""
        size = shape.new_sizes(args, size)
        return self._new("zeros", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Ones, with this tensor's dtype and device unless others are given."""
        size = shape.new_sizes(args, size)
        return self._new("ones", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_empty(
        self, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """Uninitialised memory, with this tensor's dtype and device unless others are given."""
        size = shape.new_sizes(args, size)
        return self._new("empty", size, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        """One value, with this tensor's dtype and device unless others are given."""
        value, dtype = conversion.filling(fill_value, as_dtype(dtype or self.dtype))
        full = shape.new_sizes((size,)), value
        return self._new("full", *full, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A copy of the data, with this tensor's dtype and device unless others are given."""
        where = self.device if device is None else backends.as_device(device)
        array = backends.move(array_of(data, as_dtype(dtype or self.dtype)), where)
        return self._wrap(array).requires_grad_(requires_grad)

    def cpu(self) -> Tensor:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        """On a GPU."""
        return self.to("cuda" if device is None else device, non_blocking=non_blocking)

    def type_as(self, other: Tensor) -> Tensor:
        """In other's dtype and place."""
        return self.to(*conversion.kind_of(other))

    def pin_memory(self) -> Tensor:
        """In memory that GPUs read by themselves: a copy, or itself if it is there already."""
        return self if self.is_pinned() else self._wrap(backends.pinned(self._array))


def legacy_array(data: tuple[Any, ...], dtype: dtype, where: Any) -> Array:
    """The array of ``Tensor(2, 3)`` (of that shape, zeros) or of ``Tensor([2, 3])`` (of those
    values). Raises TypeError for anything else."""
    target = backends.as_device(where)
    if len(data) == 1 and not isinstance(data[0], int | Size):
        values = data[0]
        if not hasattr(values, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(values).__name__})")
        return backends.move(array_of(values).astype(dtype.array), target)
    sizes = shape.new_sizes(data) if data else (0,)
    xp: Any = backends.backend_for(target)
    with xp.on_device(target.index):
        return xp.zeros(sizes, dtype.array)


def parse_to(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Any, bool, bool]:
    """(dtype, device, non_blocking, copy) from arguments of `to`. Raises TypeError for others."""
    known = {"dtype", "device", "other", "copy", "non_blocking", "memory_format"}
    for name in kwargs.keys() - known:
        raise TypeError(f"to() got an unexpected keyword argument '{name}'")
    target, where, other = kwargs.get("dtype"), kwargs.get("device"), kwargs.get("other")
    flags = [*(arg for arg in args if isinstance(arg, bool)), False, False]  # non_blocking, copy
    for arg in args:
        if isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, dtype | type):
            target = arg
        elif isinstance(arg, str | device | int) and not isinstance(args[0], bool):
            where = where if isinstance(arg, bool) else arg
        elif arg is not None:
            raise TypeError(
                f"to() received an invalid argument: expected dtype, device or Tensor, got {arg!r}"
            )
    if other is not None:
        target, where = other.dtype, other.device
    kind = None if target is None else as_dtype(target)
    place = None if where is None else backends.as_device(where)
    return kind, place, kwargs.get("non_blocking", flags[0]), kwargs.get("copy", flags[1])


_new: Any = object.__new__
_HOST_ARRAY = backends.backend_for(backends.CPU).ndarray
_host: Any = backends.backend_for(backends.CPU)


def _rebuild(cls: type[Tensor], array: Array, where: str | None, requires_grad: bool) -> Tensor:
    """A tensor from its values: for pickle and copy."""
    tensor = cls.__new__(cls)
    tensor._array = array if where is None else backends.move(array, device(where))
    return tensor.requires_grad_(requires_grad)
