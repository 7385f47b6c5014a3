"""Elements replaced by what a Python function makes of them, one call for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.users import given_to
from ..backends import Array, backend_of, is_host
from .shape import expand, shape_of


def apply_(self: Any, callable: Callable[[Any], Any]) -> Any:
    """Replace each element x of a tensor on the CPU by ``callable(x)``, in place. Slow.

    Raises RuntimeError if it requires a gradient, TypeError on a GPU or for results that are no
    numbers.

    >>> torch.tensor([1.0, 2.0]).apply_(lambda x: x * 10)
    tensor([10., 20.])
    """
    return _called("apply_", callable, self)


def map_(self: Any, tensor: Any, callable: Callable[[Any, Any], Any]) -> Any:
    """Replace each element x by ``callable(x, y)``, with the element y of a tensor of the same
    dtype, which is expanded to the shape; see `apply_`.

    >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda x, y: x * y)
    tensor([3., 8.])
    """
    return _called("map_", callable, self, tensor)


def map2_(self: Any, x: Any, y: Any, callable: Callable[[Any, Any, Any], Any]) -> Any:
    """Replace each element by a function of it and of those of two tensors; see `map_`.

    >>> one, two, three = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])
    >>> one.map2_(two, three, lambda x, y, z: x + y + z)
    tensor([6.])
    """
    return _called("map2_", callable, self, x, y)


def _called(name: str, function: Callable[..., Any], target: Any, *others: Any) -> Any:
    array: Array = target._array
    for tensor in (target, *others):
        if tensor.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
                "instead."
            )
        if not is_host(tensor._array):
            raise TypeError(f"{name} is only implemented on CPU tensors")
        if tensor._array.dtype != array.dtype:
            raise TypeError(f"{name}: expected a tensor of {target.dtype}, got {tensor.dtype}")
    shape = shape_of(target)
    columns = [array, *(expand(tensor, shape)._array for tensor in others)]
    rows = zip(*(column.ravel().tolist() for column in columns), strict=True)
    xp: Any = backend_of(array)
    values = xp.asarray([given_to(function, f"the function of {name}", *row) for row in rows])
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name}: the function must return numbers, got {values.dtype} of them")
    return target.copy_(target._wrap(values.astype(array.dtype).reshape(shape)))
