"""What a loss of scores for classes is given: shapes, dtypes and class indices, checked."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..autograd import Variable
from ..backends import Array, backend_of, device_of, is_host
from ..dtypes import int64, of_array
from .conversion import cast
from .shape import shape_of


class Targets(NamedTuple):
    """Class indices, checked and flattened.

    Attributes:
        rows: the scores as (N, C).
        index: (N), int64, each in [0, C); 0 for those to ignore.
        kept: a mask (N) of those not to ignore, None if there are none to ignore.
        scale: (N), the weight of each target's class, and 0 for those to ignore; None if all
            count as 1.
        any_kept: whether there are targets not to ignore, None on a GPU: nobody looked.
        shape: of a loss per target.
    """

    rows: Any
    index: Any
    kept: Array | None
    scale: Array | None
    any_kept: bool | None
    shape: tuple[int, ...]


def _rows(input: Any) -> Any:
    """Scores (C), (N, C) or (N, C, ...) as (N, C), the class dimension last."""
    ndim = len(shape_of(input))
    if ndim == 2:
        return input
    classes = shape_of(input)[1 if ndim > 1 else 0]
    last = input.movedim(1, -1) if ndim > 2 else input
    return last.reshape((math.prod(shape_of(last)[:-1]), classes))


def _check_shapes(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Raise ValueError or RuntimeError unless targets (N, ...) fit scores (N, C, ...)."""
    if not input:
        raise ValueError("Expected 1 or more dimensions (got 0): the input is (C) or (N, C, ...)")
    if len(input) == 1:
        if len(target) > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target not in ((), (1,)):
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {target[0]}"
            )
        return
    expected = (input[0], *input[2:])
    if target == expected:
        return
    hint = ""
    if len(input) > 2 and math.prod(target) == math.prod(input[:-1]):
        hint = (
            f". If the input {list(input)} is (N, T, C), move the classes to the second place, "
            "input.transpose(1, 2), or flatten: input.reshape(-1, C) with target.reshape(-1)"
        )
    batch = target[0] if target else 0
    if batch != input[0]:
        raise ValueError(
            f"Expected input batch_size ({input[0]}) to match target batch_size ({batch}).{hint}"
        )
    if len(input) == 2:
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported: got an input of shape "
            f"{list(input)} and a target of shape {list(target)}; use target.squeeze(1)"
        )
    raise RuntimeError(f"Expected target size {list(expected)}, got {list(target)}{hint}")


def check_tensors(name: str, input: Any, target: Any, weight: Any) -> None:
    """Raise TypeError for what are no tensors, NotImplementedError for scores that are integers,
    RuntimeError for tensors on different devices."""
    for place, value in (("input", input), ("target", target), ("weight", weight)):
        if value is None and place == "weight":
            continue
        if not isinstance(value, Variable):
            raise TypeError(
                f"{name}(): argument '{place}' must be Tensor, not {type(value).__name__}"
            )
        if type(value._array) is not type(input._array):
            raise RuntimeError(
                f"{name}(): expected all tensors to be on the same device, but input is on "
                f"{device_of(input._array)} and {place} on {device_of(value._array)}; move one "
                "with .to(device)"
            )
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f"{name}() is not implemented for an input of {of_array(input._array.dtype)}; it takes "
            "floating scores"
        )


def check_weight(weight: Any, classes: int, input: Any) -> None:
    if shape_of(weight) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape: {list(shape_of(weight))}"
        )
    if weight._array.dtype != input._array.dtype:
        raise RuntimeError(
            f"expected scalar type {of_array(input._array.dtype).scalar_name} but found "
            f"{of_array(weight._array.dtype).scalar_name}: weight must have the input's dtype"
        )


def _unusual(index: Array, classes: int, ignore_index: int) -> bool:
    """Whether there is a target that is no class, or one to ignore."""
    low, high = int(index.min()), int(index.max())
    return low < 0 or high >= classes or low <= ignore_index <= high


def check_targets(input: Any, target: Any, weight: Any, ignore_index: int) -> Targets:
    """The class indices, ready for use. Raises what `cross_entropy` says."""
    _check_shapes(shape_of(input), shape_of(target))
    rows, index, kept = _rows(input), target, None
    classes = shape_of(rows)[1]
    if index._array.dtype not in ("int64", "uint8"):
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {of_array(index._array.dtype)}; "
            "class indices: target.long(); probabilities need the input's shape, "
            f"{list(shape_of(input))}"
        )
    index = cast(index, int64)
    if len(shape_of(index)) != 1:
        index = index.reshape((-1,))
    array = index._array
    xp: Any = backend_of(array)
    if array.size and (not is_host(array) or _unusual(array, classes, ignore_index)):
        kept = array != ignore_index
        index = index._wrap(array * kept)
        message = f"there are {classes} classes (and ignore_index is {ignore_index})."
        message = f"Target {{}} is out of bounds: {message}"
        xp.check_range(index._array, 0, classes, IndexError, message)
    scale = any_kept = None
    if kept is not None:
        scale = kept.astype(input._array.dtype)
    if is_host(array):
        any_kept = kept is None or bool(kept.any())
    if weight is not None:
        check_weight(weight, classes, input)
        if weight.requires_grad:
            raise RuntimeError(
                "the loss is not differentiable with respect to argument 'weight' where targets "
                "are class indices: use weight.detach()"
            )
        weights = weight._array[index._array]
        scale = weights if scale is None else weights * scale
    shape = shape_of(target) if len(shape_of(input)) > 1 else ()
    return Targets(rows, index, kept, scale, any_kept, shape)
