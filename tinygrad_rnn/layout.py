"""How elements lie in memory: PyTorch's names for what is always the same here."""

from __future__ import annotations


class layout:
    """``torch.strided``, the layout of all tensors: an offset and a stride for each dimension.

    >>> torch.zeros(2).layout
    torch.strided
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format:
    """``torch.contiguous_format``, ``torch.channels_last``, ...: accepted wherever PyTorch takes
    one. Only strides depend on it there, never shapes or values; here tensors keep their own
    order.

    >>> torch.zeros(1, 2, 3, 3).to(memory_format=torch.channels_last).shape
    torch.Size([1, 2, 3, 3])
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
