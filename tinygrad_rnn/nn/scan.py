"""The engine of recurrent layers: a `Cell` is one step, `scan` runs it over a sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, SupportsIndex

from ..creation import as_tensor
from ..ops.choice import where
from ..ops.joining import stack
from ..tensor import Tensor
from .checkpointed import Every, check_every, in_segments
from .module import Module
from .planning import Description, Watch, can_watch
from .states import each, stacked

State = Tensor | tuple[Tensor, ...]
Step = Callable[[Any, Any], tuple[Tensor, Any]]
Lengths = Tensor | Sequence[int]
OnStep = Callable[[int, Any], None]


def check_size(name: str, value: Any) -> None:
    """Raise TypeError unless a size is an int, ValueError unless it is positive."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if value <= 0:
        raise ValueError(f"{name} must be greater than zero")


class Cell(Module):
    """One step of a recurrent layer: derive from it and write `step`; `scan` and `Recurrent` make
    it a layer, with directions, masks, dropout between layers and derivatives of any order.

        class Leaky(nn.Cell):
            def __init__(self, input_size, hidden_size):
                super().__init__()
                self.state_size = hidden_size
                self.update = nn.Linear(input_size + hidden_size, hidden_size)

            def step(self, x, h):
                h = 0.9 * h + 0.1 * torch.tanh(self.update(torch.cat([x, h], -1)))
                return h, h

    Attributes:
        state_size: the size of the state, or a tuple of sizes for a state of several tensors.
        output_size: the size of a step's output; that of the (first) state unless set.

    >>> class Sum(nn.Cell):
    ...     state_size = 1
    ...     def step(self, x, h):
    ...         return x + h, x + h
    >>> nn.scan(Sum(), torch.ones(3, 1, 1))[0].flatten()
    tensor([1., 2., 3.])
    """

    state_size: int | tuple[int, ...]

    @property
    def output_size(self) -> int:
        size = self.state_size
        return size if isinstance(size, int) else size[0]

    def begin(self, x: Tensor) -> Cell:
        """The cell that runs over a sequence x (steps, batch, ...): itself. Override it for what
        is drawn once for a sequence, and return a copy that has it."""
        return self

    def part(self, start: int, stop: int) -> Cell:
        """The cell, which has begun, for the steps from start to stop of its sequence alone:
        itself. Override it where `begin` made something for each step."""
        return self

    def project(self, x: Tensor) -> Any:
        """What a step needs of the input, for inputs of any leading shape: the input itself.
        Several tensors, with a first dimension of steps each, as a tuple."""
        return x

    def step(self, x: Any, state: Any) -> tuple[Tensor, Any]:
        """(output, new state) from a projected input (batch, ...) and the state, a tensor (batch,
        state_size) or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} needs a method step(self, x, state)")

    def over_sequence(
        self, x: Tensor, state: Any, ends: list[int] | None, reverse: bool
    ) -> tuple[Tensor, Any] | None:
        """(outputs, state) of all steps at once, for cells that have a faster way than one step
        after the other; None where there is none. Arguments as for `scan`, ends its lengths."""
        return None

    def _describe(self) -> Description | None:
        """What the step does, if that can be told without a look at it; None where it can't."""
        return None

    def initial_state(self, batch_size: int, like: Tensor) -> State:
        """Zeros of (batch_size, state_size), in the dtype and on the device of `like`."""
        if isinstance(self.state_size, int):
            return like.new_zeros(batch_size, self.state_size)
        return tuple(like.new_zeros(batch_size, size) for size in self.state_size)

    def forward(self, input: Tensor, state: Any = None) -> Any:
        """One step: the new state, as PyTorch's cells return it."""
        if state is None:
            state = self.initial_state(input.shape[0], input)
        return self.step(self.project(input), state)[1]


# ----- one cell, one direction -----


def _choose(mask: Tensor, new: Tensor, old: Tensor | float) -> Tensor:
    """The new value where the mask holds, the old one elsewhere."""
    return where(mask.reshape(mask.shape + (1,) * (new.dim() - 1)), new, old)


def check_lengths(lengths: Lengths, batch_size: int, steps: int) -> list[int]:
    """The lengths as a list. Raises ValueError unless there is one in [0, steps] per sequence,
    TypeError for what has no elements."""
    if not isinstance(lengths, Tensor | Iterable):
        raise TypeError(f"lengths: expected a tensor or a list, got {type(lengths).__name__}")
    values = lengths.tolist() if isinstance(lengths, Tensor) else list(lengths)
    if not isinstance(values, list) or len(values) != batch_size:
        count = len(values) if isinstance(values, list) else 1
        raise ValueError(f"lengths: expected one per sequence ({batch_size}), got {count}")
    for number, length in enumerate(values):
        if not isinstance(length, SupportsIndex) or not 0 <= length.__index__() <= steps:
            raise ValueError(
                f"lengths: expected whole numbers from 0 to {steps} (the sequence's steps), but "
                f"sequence {number} has {length}"
            )
    return [int(length) for length in values]


def scan(
    cell: Cell | Step,
    x: Tensor,
    state: Any = None,
    lengths: Lengths | None = None,
    reverse: bool = False,
    return_states: bool = False,
    on_step: OnStep | None = None,
    checkpoint_every: Every = None,
) -> tuple[Any, ...]:
    """Run a cell over a sequence.

    Args:
        cell: a `Cell`, or a function ``step(x_t, state) -> (output, new_state)``. It must not
            depend on anything that changes from step to step. One that consists of tensor
            operations is called for the first steps only; from what it does a plan is made that
            runs the sequence, without a graph of every step. One that does more (reads values,
            draws numbers, changes or keeps tensors, has hooks) is called at every step.
        x: (steps, batch, ...).
        state: at the beginning: a tensor (batch, ...) or a tuple of them; a Cell's zeros if None.
        lengths: one per sequence, 0 included. Steps behind a sequence's length leave its state
            as it is, and their outputs are 0; what x holds there does not matter.
        reverse: from the last step to the first (of each sequence, by its length).
        return_states: also return the state behind each step.
        on_step: called as ``on_step(t, new_state)`` with what each step returned, in the graph.
        checkpoint_every: keep the state behind every so many steps alone for backward, which runs
            the steps between them again: less memory for more time. "sqrt": the root of the
            steps, with which memory grows as that root.

    Returns:
        (outputs, state): outputs (steps, batch, ...), and the state after each sequence's own
        last step; with return_states (outputs, state, states), states stacked like outputs.

    Raises ValueError for an x of fewer dimensions and lengths that do not fit, TypeError without a
    state to begin with.

    >>> outputs, state = nn.scan(lambda x, h: (x + h, x + h), torch.ones(3, 1), torch.zeros(1))
    >>> outputs.flatten(), state
    (tensor([1., 2., 3.]), tensor([3.]))
    """
    if x.dim() < 2:
        raise ValueError(f"scan(): x must be (steps, batch, ...), but got shape {list(x.shape)}")
    steps, batch = x.shape[:2]
    if state is None:
        if not isinstance(cell, Cell):
            raise TypeError("scan(): a step function needs a state to begin with: give state=")
        state = cell.initial_state(batch, x)
    ends = None if lengths is None else check_lengths(lengths, batch, steps)
    every = check_every(checkpoint_every)
    begun = cell.begin(x) if isinstance(cell, Cell) else cell
    if every is None:
        return _run(begun, x, state, ends, reverse, return_states, on_step)

    def part(start: int, stop: int) -> Cell | Step:
        return begun.part(start, stop) if isinstance(begun, Cell) else begun

    return in_segments(_run, part, every, x, state, ends, reverse, return_states, on_step)


def _run(
    cell: Cell | Step, x: Tensor, state: Any, ends: list[int] | None, reverse: bool,
    return_states: bool, on_step: OnStep | None,
) -> tuple[Any, ...]:  # fmt: skip
    """`scan` for a cell that has begun already."""
    if isinstance(cell, Cell) and not return_states and on_step is None:
        whole = cell.over_sequence(x, state, ends, reverse)
        if whole is not None:
            return whole
    return step_by_step(cell, x, state, ends, reverse, return_states, on_step)


def step_by_step(
    cell: Cell | Step,
    x: Tensor,
    state: Any,
    ends: list[int] | None,
    reverse: bool,
    return_states: bool = False,
    on_step: OnStep | None = None,
) -> tuple[Any, ...]:
    """`scan` in ordinary operations, for a cell that has begun already."""
    steps = x.shape[0]
    masks: list[Tensor | None] = [None] * steps
    if ends is not None:
        x, masks = _masked(x, ends)
    step: Step = cell.step if isinstance(cell, Cell) else cell
    projected = cell.project(x) if isinstance(cell, Cell) else x
    begin, watch = state, None
    if not return_states and on_step is None and steps > 1 and can_watch(projected, state):
        described = cell._describe() if isinstance(cell, Cell) else None
        watch = Watch(projected, state, described)
        if watch.plan is not None:
            return watch.whole(projected, begin, ends, reverse)
    inputs = _unstacked(projected)
    outputs: list[Any] = [None] * steps
    states: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        if watch is None or watch.over:
            output, new = step(inputs[t], state)
        else:
            output, new = watch.step(step, inputs[t], state)
            if watch.plan is not None:
                return watch.whole(projected, begin, ends, reverse)
        if on_step is not None:
            on_step(t, new)
        mask = masks[t]
        if mask is None:
            state = new
        else:
            output = _choose(mask, output, 0)
            state = each(partial(_choose, mask), new, state)
        outputs[t], states[t] = output, state
    if not return_states:
        return stack(outputs), state
    return stack(outputs), state, stacked(states)


def _unstacked(x: Any) -> Sequence[Any]:
    """The steps of a tensor (steps, ...), or of a tuple of them."""
    return (
        x.unbind(0) if isinstance(x, Tensor) else list(zip(*(p.unbind(0) for p in x), strict=True))
    )


def _masked(x: Tensor, ends: list[int]) -> tuple[Tensor, list[Tensor | None]]:
    """x with zeros behind each end, and for each step the sequences that are still running; None
    where all are."""
    steps = x.shape[0]
    if min(ends, default=steps) == steps:
        return x, [None] * steps
    running = as_tensor([[t < end for end in ends] for t in range(steps)]).to(x.device)
    # 0 instead of padding: a nan in it would come back through the gradient as 0 * nan
    x = where(running.reshape(running.shape + (1,) * (x.dim() - 2)), x, 0)
    shortest = min(ends)
    return x, [None if t < shortest else mask for t, mask in enumerate(running.unbind(0))]
