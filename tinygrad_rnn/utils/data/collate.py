"""From samples to a batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from ...autograd.hints import told
from ...backends import HostScalar, is_host
from ...creation import as_tensor, tensor
from ...dtypes import float64
from ...ops.joining import stack
from ...tensor import Tensor


@told
def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together, like by like.

    Tensors, NumPy arrays and numbers are stacked into a tensor (batch, *sample.shape), Python
    floats into a float64 one; strings stay a list. Of mappings, tuples, named tuples and sequences
    the members are put together, in a container of the same kind (a list for tuples).

    Raises TypeError for anything else, RuntimeError for sequences of different lengths and
    tensors of different shapes.

    >>> torch.utils.data.default_collate([(1, {"a": 0.5}), (2, {"a": 1.5})])
    [tensor([1, 2]), {'a': tensor([0.5000, 1.5000], dtype=torch.float64)}]
    """
    if not len(batch):
        raise IndexError("default_collate(): the batch is empty: there is nothing to put together")
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch), 0)
    if is_host(first):
        if first.dtype.kind in "SUO":
            raise TypeError(_refusal(first.dtype))
        return stack([as_tensor(array) for array in batch], 0)
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, int | HostScalar):
        return tensor(batch)
    if isinstance(first, Mapping):
        return _mapping_like(
            first, {key: default_collate([sample[key] for sample in batch]) for key in first}
        )
    if isinstance(first, Sequence):
        sizes = sorted({len(sample) for sample in batch})
        if len(sizes) > 1:
            raise RuntimeError(
                f"each element in list of batch should be of equal size, got sizes {sizes}; pad "
                "them, or give the loader a collate_fn that does"
            )
        return _sequence_like(first, [default_collate(part) for part in zip(*batch, strict=True)])
    raise TypeError(_refusal(type(first)))


@told
def default_convert(data: Any) -> Any:
    """A sample with its NumPy arrays and scalars as tensors, wherever they are inside mappings,
    tuples and sequences, in the same shapes; anything else stays as it is. For loaders that make
    no batches.

    >>> torch.utils.data.default_convert({"a": [torch.ones(1).numpy(), "b"]})
    {'a': [tensor([1.]), 'b']}
    """
    if is_host(data):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, HostScalar):
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _sequence_like(data, [default_convert(item) for item in data])
    return data


def _refusal(kind: Any) -> str:
    return (
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {kind}"
    )


@told
def pin_memory(data: Any) -> Any:
    """A batch with its tensors in memory that GPUs read by themselves, wherever they are inside
    mappings, tuples, named tuples and sequences; objects of other classes say themselves how, by
    a method `pin_memory`.

    >>> torch.utils.data.collate.pin_memory(["a", 1])
    ['a', 1]
    """
    if hasattr(data, "pin_memory"):  # tensors, too
        return data.pin_memory()
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: pin_memory(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(part) for part in data))
    if isinstance(data, tuple | list):
        return type(data)(pin_memory(part) for part in data)
    return data


def _mapping_like(pattern: Mapping[Any, Any], members: dict[Any, Any]) -> Any:
    """These members in a mapping of the pattern's kind, or in a dict if it can't be made."""

    def filled() -> Any:
        if not isinstance(pattern, MutableMapping):
            return type(pattern)(members)  # type: ignore[call-arg]
        result = copy.copy(pattern)  # keeps what else it has, such as a default_factory
        result.update(members)
        return result

    return members if type(pattern) is dict else _attempted(filled, members)


def _sequence_like(pattern: Sequence[Any], members: list[Any]) -> Any:
    """These members in a sequence of the pattern's kind; in a list for a tuple, or if it can't
    be made."""
    if isinstance(pattern, tuple):
        return type(pattern)(*members) if hasattr(pattern, "_fields") else members

    def filled() -> Any:
        if not isinstance(pattern, MutableSequence):
            return type(pattern)(members)  # type: ignore[call-arg]
        result = copy.copy(pattern)
        for place, member in enumerate(members):
            result[place] = member
        return result

    return members if type(pattern) is list else _attempted(filled, members)


def _attempted(make: Callable[[], Any], otherwise: Any) -> Any:
    """What `make` returns; `otherwise` where a container can't be filled in that way."""
    try:
        return make()
    except TypeError:
        return otherwise
