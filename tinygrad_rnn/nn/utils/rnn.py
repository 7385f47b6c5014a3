"""Padding and packing of sequences, as `torch.nn.utils.rnn` has them.

The recurrent layers take padded sequences and `lengths=` directly; a PackedSequence is accepted
and returned by them for programs that use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        data: of shape (total steps, ...): all first steps, then all second steps, ...
        batch_sizes: (longest), int64, how many sequences have each step.
        sorted_indices: (batch), the order of the original sequences here, None if they were sorted.
        unsorted_indices: (batch), the place of each original sequence, None if they were sorted.

    >>> nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    PackedSequence(data=tensor([1, 4, 2, 5, 3]), batch_sizes=tensor([2, 2, 1]),
        sorted_indices=None, unsorted_indices=None)
    """

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            raise TypeError("PackedSequence: batch_sizes is missing; use pack_padded_sequence")
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be "
                "created manually: use pack_padded_sequence and the like"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the data in another dtype or on another device, the indices on that device; itself
        if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, back = (
            None if indices is None else indices.to(data.device)
            for indices in (self.sorted_indices, self.unsorted_indices)
        )
        return self._replace(data=data, sorted_indices=order, unsorted_indices=back)

    def cpu(self) -> PackedSequence:
        """With the data on the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> PackedSequence:
        """With the data on a GPU."""
        return self.to("cuda" if device is None else device)

    def double(self) -> PackedSequence:
        """With float64 data."""
        return self._replace(data=self.data.double())

    def float(self) -> PackedSequence:
        """With float32 data."""
        return self._replace(data=self.data.float())

    def half(self) -> PackedSequence:
        """With float16 data."""
        return self._replace(data=self.data.half())

    def long(self) -> PackedSequence:
        """With int64 data."""
        return self._replace(data=self.data.long())

    def int(self) -> PackedSequence:
        """With int32 data."""
        return self._replace(data=self.data.int())

    def short(self) -> PackedSequence:
        """With int16 data."""
        return self._replace(data=self.data.short())

    def char(self) -> PackedSequence:
        """With int8 data."""
        return self._replace(data=self.data.char())

    def byte(self) -> PackedSequence:
        """With uint8 data."""
        return self._replace(data=self.data.byte())

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one, both vectors (n); None for None.

    >>> nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
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
        lengths: (batch), the steps of each sequence, at least 1.
        enforce_sorted: the lengths must fall; otherwise the sequences are sorted, and the indices
            to undo it kept.

    Raises RuntimeError for lengths that are 0 or not sorted, ValueError for a wrong number of
    lengths and for one that is longer than the input.

    >>> x = torch.tensor([[1, 2, 3], [4, 5, 0]])
    >>> nn.utils.rnn.pack_padded_sequence(x, [3, 2], batch_first=True).data
    tensor([1, 4, 2, 5, 3])
    """
    steps_of_each = lengths if isinstance(lengths, Tensor) else tensor(list(lengths))
    if steps_of_each.dim() != 1:
        raise RuntimeError(f"lengths: expected a vector, one per sequence, but got {lengths}")
    values: list[int] = steps_of_each.long().tolist()
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
    inside = _numbers(range(values[0])).unsqueeze(1) < _numbers(values)  # (steps, batch)
    return PackedSequence(x[_places(inside, x)], inside.sum(1), order)


def _numbers(values: Iterable[int]) -> Tensor:
    """int64 on the CPU, where lengths and batch sizes are read."""
    return tensor(list(values), dtype=int64, device="cpu")


def _inside(packed: PackedSequence) -> Tensor:
    """For each step and sequence whether the sequence has the step, a bool (steps, batch)."""
    sizes = packed.batch_sizes
    return _numbers(range(int(sizes[0]))) < sizes.unsqueeze(1)


def _places(inside: Tensor, like: Tensor) -> tuple[Tensor, ...]:
    """The steps and the sequences in which a mask on the CPU is true, for indexing: by the mask
    itself the host would have to ask a GPU how many there are."""
    return tuple(numbers.to(like.device) for numbers in inside.nonzero(as_tuple=True))


def padded(packed: PackedSequence, value: float = 0.0) -> tuple[Tensor, list[int]]:
    """(steps, batch, ...) and the lengths of a packed batch, in its own order."""
    inside, data = _inside(packed), packed.data
    empty = data.new_full((*inside.shape, *data.shape[1:]), value)
    return empty.index_put(_places(inside, data), data), inside.sum(0).tolist()


def pack_like(output: Tensor, packed: PackedSequence) -> PackedSequence:
    """A padded output (steps, batch, ...) packed as the given batch is."""
    return packed._replace(data=output[_places(_inside(packed), output)])


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch (steps, batch, ...), or (batch, steps, ...) with batch_first, and its int64
    lengths (batch), in the original order.

    Raises ValueError if total_length is shorter than the longest sequence.

    >>> packed = nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 5, 0]]), tensor([3, 2]))
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
    """Sequences (steps, ...) of different lengths as one tensor (longest, batch, ...), or (batch,
    longest, ...) with batch_first.

    Raises RuntimeError for an empty list, and a padding_side but "right" and "left".

    >>> nn.utils.rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if padding_side not in ("right", "left"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    parts = list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    parts = [part.to(parts[0].dtype) for part in parts]  # as PyTorch
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
    """The sequences (steps, ...) of a padded batch (longest, batch, ...), or (batch, longest, ...)
    with batch_first, each in its own length: the reverse of `pad_sequence`.

    >>> padded = torch.tensor([[1, 2], [3, 0]])
    >>> nn.utils.rnn.unpad_sequence(padded, torch.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    if lengths.dim() != 1 or len(lengths) != len(x):
        raise ValueError(
            f"unpad_sequence(): expected lengths of shape ({len(x)},), one for each sequence, but "
            f"got {tuple(lengths.shape)}"
        )
    if x.dim() < 2:
        raise IndexError(f"unpad_sequence(): expected (batch, longest, ...), got {tuple(x.shape)}")
    inside = _numbers(range(x.shape[1])) < lengths.cpu().unsqueeze(1)
    ends = inside.sum(1).tolist()
    return [row[:end] for row, end in zip(x.unbind(0), ends, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (steps, ...) of different lengths, packed; longest first, or enforce_sorted=False.

    >>> nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])]).data
    tensor([1, 4, 2, 5, 3])
    """
    lengths = [part.shape[0] for part in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (steps, ...) of a packed batch: the reverse of `pack_sequence`.

    >>> packed = nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> nn.utils.rnn.unpack_sequence(packed)
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
