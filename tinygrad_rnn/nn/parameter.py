"""Tensors that a module registers: `Parameter`, which is trained, and `Buffer`, which is not."""

from __future__ import annotations

from typing import Any

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
