"""The forms of views that copy: ``squeeze_copy`` and its kin."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import diagonals, shape, splitting, strided


def _copying(view: Callable[..., Any], arguments: str = "") -> Callable[..., Any]:
    """The arguments behind the tensor are those of the example in the docstring."""

    @functools.wraps(view)
    def copied(*args: Any, **kwargs: Any) -> Any:
        result = view(*args, **kwargs)
        return tuple(x.clone() for x in result) if isinstance(result, tuple) else result.clone()

    copied.__name__ = copied.__qualname__ = f"{view.__name__}_copy"
    call = f"torch.{copied.__name__}(x{', ' * bool(arguments)}{arguments})"
    copied.__doc__ = (
        f"`{view.__name__}` with a result of the same shape in memory of its own.\n\n"
        f"    >>> x = torch.zeros(2, 2)\n    >>> _ = {call}[0].fill_(1)\n"
        "    >>> x.any()\n    tensor(False)\n"
    )
    return copied


def _alias(input: Any) -> Any:
    return input


def _split(input: Any, split_size: int, dim: int = 0) -> Any:
    return splitting.split(input, split_size, dim)


def _detach(input: Any) -> Any:
    return input.detach()


def _slice(
    input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    dims = len(shape.shape_of(input))
    return input[(*(slice(None),) * shape.wrap_dim(dim, dims), slice(start, end, step))]


_alias.__name__, _split.__name__ = "alias", "split"
_detach.__name__, _slice.__name__ = "detach", "slice"
alias_copy = _copying(_alias)
as_strided_copy = _copying(strided.as_strided, "(2,), (1,)")
detach_copy = _copying(_detach)
diagonal_copy = _copying(diagonals.diagonal)
expand_copy = _copying(shape.expand, "(3, 2, 2)")
narrow_copy = _copying(splitting.narrow, "0, 0, 1")
permute_copy = _copying(shape.permute, "(1, 0)")
select_copy = _copying(splitting.select, "0, 1")
slice_copy = _copying(_slice, "0, 0, 1")
split_copy = _copying(_split, "1")
split_with_sizes_copy = _copying(splitting.split_with_sizes, "[1, 1]")
squeeze_copy = _copying(shape.squeeze)
t_copy = _copying(shape.t)
transpose_copy = _copying(shape.transpose, "0, 1")
unbind_copy = _copying(splitting.unbind)
unfold_copy = _copying(strided.unfold, "0, 2, 1")
unsqueeze_copy = _copying(shape.unsqueeze, "0")
view_copy = _copying(shape.view, "(4,)")
