"""Softmax and its kin, with the arguments of `nn.functional`."""

from __future__ import annotations

from typing import Any

from ..dtypes import dtype as DType
from ..warning import warn
from . import exponentials
from .arithmetic import neg
from .shape import shape_of


def _along(name: str, input: Any, dim: int | None) -> int:
    """dim, or PyTorch's old choice for callers who give none, with its warning."""
    if dim is not None:
        return dim
    warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument."
    )
    return 0 if len(shape_of(input)) in (0, 1, 3) else 1


def softmax(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Any:
    """exp(input), normalised to sum 1 over dim; of input's shape.

    >>> F.softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    return exponentials.softmax(input, _along("softmax", input, dim), dtype=dtype)


def log_softmax(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Any:
    """The logarithm of softmax over dim, without its rounding errors; of input's shape.

    >>> F.log_softmax(torch.tensor([0.0, 0.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    return exponentials.log_softmax(input, _along("log_softmax", input, dim), dtype=dtype)


def softmin(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Any:
    """softmax(-input) over dim; of input's shape.

    >>> F.softmin(torch.tensor([0.0, 1.0]), 0)
    tensor([0.7311, 0.2689])
    """
    return exponentials.softmax(neg(input), _along("softmin", input, dim), dtype=dtype)
