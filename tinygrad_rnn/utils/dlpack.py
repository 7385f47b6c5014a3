"""Tensors of other libraries, and for them, without a copy."""

from __future__ import annotations

from typing import Any

from ..autograd.hints import told
from ..creation import from_dlpack as from_dlpack
from ..tensor import Tensor


@told
def to_dlpack(tensor: Tensor) -> Any:
    """The tensor, of any shape, as a capsule on its memory, for another library's `from_dlpack`.

    >>> type(torch.utils.dlpack.to_dlpack(torch.ones(2))).__name__
    'PyCapsule'
    """
    return tensor.__dlpack__()
