"""Padding and packing of sequences, as `torch.nn.utils.rnn` has them.

The recurrent layers take padded sequences and `lengths=` directly; a PackedSequence is accepted
and returned by them for programs that use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...creation import full, tensor
from ...dtypes import int64
from ...ops.joining import cat, stack
from ...tensor import Tensor


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


class PackedSequence(_Packed):
    """Sequences of falling length, step by step without padding.

    Attributes:
        data: (total steps, ...): all first steps, then all second steps, ...
        batch_sizes: int64, how many sequences have each step.
        sorted_indices: the order of the original sequences here, None if they were sorted.
        unsorted_indices: the place of each original sequence, None if they were sorted.
    """

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the data in another dtype or on another device; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self) -> PackedSequence:
        """With the data on the CPU."""
        return self.to("cpu")

    def cuda(self) -> PackedSequence:
        """With the data on a GPU."""
        return self.to("cuda")

    def float(self) -> PackedSequence:
        """With float32 data."""
        return self._replace(data=self.data.float())

    def double(self) -> PackedSequence:
        """With float64 data."""
        return self._replace(data=self.data.double())

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one."""
    return None if permutation is None else permutation.argsort()


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Take the padding out of a batch of sequences.

    Args:
        input: (steps, batch, ...), or (batch, steps, ...) with batch_first.
        lengths: the steps of each sequence, at least 1.
        enforce_sorted: the lengths must fall; otherwise the sequences are sorted, and the indices
            to undo it kept.

    Raises RuntimeError for lengths that are 0 or not sorted, ValueError for a wrong number of
    lengths and for one that is longer than the input.
    """
    values = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    x = input.transpose(0, 1) if batch_first else input
    steps, batch = x.shape[0], x.shape[1]
    if len(values) != batch:
        raise ValueError(f"lengths: expected one per sequence ({batch}), got {len(values)}")
    if not values or min(values) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0 (the layers' own lengths= accepts 0)"
        )
    if max(values) > steps:
        raise ValueError(f"lengths: {max(values)} is longer than the input's {steps} steps")
    order = None
    if enforce_sorted:
        if values != sorted(values, reverse=True):
            raise RuntimeError(
                "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
                "You can pass `enforce_sorted=False` to pack_padded_sequence to sidestep this "
                f"requirement. Got {values}"
            )
    else:
        order = _numbers(values).argsort(descending=True, stable=True).to(x.device)
        x = x.index_select(1, order)
        values.sort(reverse=True)
    sizes = [sum(length > t for length in values) for t in range(values[0])]
    data = cat([x[t, :size] for t, size in enumerate(sizes)])
    return PackedSequence(data, _numbers(sizes), order, invert_permutation(order))


def _numbers(values: list[int]) -> Tensor:
    """int64 on the CPU, where lengths and batch sizes are read."""
    return tensor(values, dtype=int64, device="cpu")


def padded(packed: PackedSequence, value: float = 0.0) -> tuple[Tensor, list[int]]:
    """(steps, batch, ...) and the lengths of a packed batch, in its own order."""
    sizes = packed.batch_sizes.tolist()
    batch = sizes[0]
    rows = []
    for part in packed.data.split(sizes):
        missing = batch - part.shape[0]
        if missing:
            fill = part.new_full((missing, *part.shape[1:]), value)
            part = cat([part, fill])
        rows.append(part)
    return stack(rows), [sum(size > i for size in sizes) for i in range(batch)]


def pack_like(output: Tensor, packed: PackedSequence) -> PackedSequence:
    """A padded output (steps, batch, ...) packed as the given batch is."""
    sizes = packed.batch_sizes.tolist()
    data = cat([row[:size] for row, size in zip(output.unbind(0), sizes, strict=True)])
    return packed._replace(data=data)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch (steps, batch, ...) and its int64 lengths, in the original order.

    Raises ValueError if total_length is shorter than the longest sequence.
    """
    output, lengths = padded(sequence, padding_value)
    if total_length is not None:
        steps = output.shape[0]
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {steps}"
            )
        if total_length > steps:
            more = (total_length - steps, *output.shape[1:])
            output = cat([output, output.new_full(more, padding_value)])
    counts = _numbers(lengths)
    if sequence.unsorted_indices is not None:
        output = output.index_select(1, sequence.unsorted_indices)
        counts = counts.index_select(0, sequence.unsorted_indices.cpu())
    return output.transpose(0, 1) if batch_first else output, counts


def pad_sequence(
    sequences: Tensor | Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (steps, ...) of different lengths as one tensor (longest, batch, ...).

    Raises RuntimeError for an empty list, ValueError for a padding_side but "right" and "left".
    """
    if padding_side not in ("right", "left"):
        raise ValueError(f"padding_side: expected 'right' or 'left', got {padding_side!r}")
    parts = list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    longest = max(part.shape[0] for part in parts)
    rows = []
    for part in parts:
        missing = longest - part.shape[0]
        if missing:
            fill = full((missing, *part.shape[1:]), padding_value, dtype=part.dtype).to(part.device)
            part = cat([part, fill] if padding_side == "right" else [fill, part])
        rows.append(part)
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded batch, each in its own length: the reverse of `pad_sequence`."""
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(x.unbind(0), lengths.tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (steps, ...) of different lengths, packed."""
    lengths = [part.shape[0] for part in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch: the reverse of `pack_sequence`."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
