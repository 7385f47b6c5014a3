"""How elements lie in memory: PyTorch's names for what is always the same here."""

from __future__ import annotations

from typing import Any


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


def pop_memory_options(options: dict[str, Any]) -> None:
    """Take out of the options for a new tensor those that make no difference here: its layout and
    memory format, and whether its memory is page-locked. Raises RuntimeError for a layout other
    than strided."""
    if options.pop("layout", strided) not in (strided, None):
        raise RuntimeError("argument 'layout' must be torch.strided: tensors have no other here")
    for name in ("pin_memory", "memory_format"):
        options.pop(name, None)


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
