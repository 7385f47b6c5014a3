"""PyTorch's names for type annotations."""

import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from .backends import device
from .dtypes import dtype
from .layout import layout
from .tensor import Size, Tensor as Tensor

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]

_bool, _int, _float = bool, int, float
_device, _dtype, _layout = device, dtype, layout
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_TensorOrOptionalTensors: TypeAlias = Tensor | Sequence[Tensor | None]
_dispatchkey: TypeAlias = Any
