"""Tensors that a module registers: `Parameter`, which is trained, and `Buffer`, which is not; and
both before their shapes are known."""

from __future__ import annotations

from typing import Any, NoReturn

from ..creation import empty
from ..dtypes import as_dtype, dtype as DType
from ..tensor import Tensor


def _on_memory_of(data: Tensor | None, tensor: Tensor) -> Tensor:
    """Put a new tensor on the memory of `data`, outside of data's graph; returns data."""
    kind = type(tensor).__name__
    if data is None:
        data = Tensor()
    elif not isinstance(data, Tensor):
        raise TypeError(
            f"{kind}(): data must be a Tensor, got {type(data).__name__}; "
            f"make one first: {kind}(torch.tensor(data))"
        )
    tensor._array, tensor._changes = data._array, data._changes
    return data


class Parameter(Tensor):
    """A tensor that a module registers when it is assigned as an attribute.

    Args:
        data: the values, of any shape; the parameter shares their memory. Empty if None.
        requires_grad: whether gradients are collected; needs a floating dtype.

    Raises TypeError if data is no tensor, RuntimeError if it can't require a gradient.

    >>> layer = nn.Module()
    >>> layer.scale = nn.Parameter(torch.ones(2))
    >>> [(name, p.requires_grad) for name, p in layer.named_parameters()]
    [('scale', True)]
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _on_memory_of(data, self)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        # Not the gradient: a copied module starts afresh, as in PyTorch
        return type(self)(self.detach().clone(), self.requires_grad)


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned as an attribute.

    Args:
        data: the values, of any shape; the buffer shares their memory. Empty if None.
        persistent: whether the buffer is part of the module's state dict.

    Raises TypeError if data is no tensor.

    >>> layer = nn.Module()
    >>> layer.mean = nn.Buffer(torch.zeros(2))
    >>> layer.state_dict()["mean"], list(layer.parameters())
    (tensor([0., 0.]), [])
    """

    persistent: bool = True

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        self.requires_grad_(_on_memory_of(data, self).requires_grad)
        self.persistent = persistent


# ----- of unknown shape -----


class UninitializedTensor(Tensor):
    """A tensor of a module whose shape is not known yet."""

    _becomes: type[Tensor]

    def materialize(
        self, shape: tuple[int, ...], device: Any = None, dtype: DType | None = None
    ) -> None:
        """Give it a shape, and with it memory (whose values are undefined), in place."""
        kind = as_dtype(dtype or self.dtype)
        made = empty(shape, device=device or self.device, dtype=kind)
        wanted = self.requires_grad
        self.__class__ = self._becomes  # type: ignore[assignment]
        self.requires_grad_(False)
        self._array, self._leaf = made._array, None
        self.requires_grad_(wanted)

    @property
    def shape(self) -> NoReturn:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensor, Parameter):
    """A parameter whose shape is not known yet; `materialize` makes it an ordinary one.

    >>> weight = nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape
    torch.Size([2, 3])
    """

    _becomes = Parameter

    def __init__(
        self, requires_grad: bool = True, device: Any = None, dtype: DType | None = None
    ) -> None:
        kind = None if dtype is None else as_dtype(dtype)
        Parameter.__init__(self, empty(0, device=device, dtype=kind), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        return type(self)(self.requires_grad, self.device, self.dtype)


class UninitializedBuffer(UninitializedTensor, Buffer):
    """A buffer whose shape is not known yet; `materialize` makes it an ordinary one.

    >>> nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    _becomes = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        persistent: bool = True,
    ) -> None:
        kind = None if dtype is None else as_dtype(dtype)
        Buffer.__init__(self, empty(0, device=device, dtype=kind), persistent=persistent)
        self.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        return type(self)(self.requires_grad, self.device, self.dtype, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether this is a parameter or buffer without a shape."""
    return isinstance(param, UninitializedTensor)
