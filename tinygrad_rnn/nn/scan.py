"""The engine of recurrent layers: `scan` runs a cell over a sequence, `Recurrent` stacks scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..creation import as_tensor
from ..ops.choice import where
from ..ops.joining import cat, stack
from ..tensor import Tensor
from .cells import Cell, State, check_size
from .containers import ModuleList
from .functional import dropout
from .module import Module

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]
Lengths = Tensor | Sequence[int]


def _choose(mask: Tensor, new: Any, old: Any) -> Any:
    """The new state where the mask holds, the old one elsewhere."""
    if isinstance(new, Tensor):
        return where(mask.reshape(mask.shape + (1,) * (new.dim() - 1)), new, old)
    return tuple(_choose(mask, n, o) for n, o in zip(new, old, strict=True))


def check_lengths(lengths: Lengths, batch_size: int, steps: int) -> list[int]:
    """The lengths as a list. Raises ValueError unless there is one in [0, steps] per sequence."""
    values = lengths.tolist() if isinstance(lengths, Tensor) else list(lengths)
    if not isinstance(values, list) or len(values) != batch_size:
        count = len(values) if isinstance(values, list) else 1
        raise ValueError(f"lengths: expected one per sequence ({batch_size}), got {count}")
    for number, length in enumerate(values):
        if isinstance(length, float) or not 0 <= length <= steps:
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
) -> tuple[Any, ...]:
    """Run a cell over a sequence.

    Args:
        cell: a `Cell`, or a function ``step(x_t, state) -> (output, new_state)``. It must not
            depend on anything that changes from step to step.
        x: (steps, batch, ...).
        state: at the beginning: a tensor (batch, ...) or a tuple of them; a Cell's zeros if None.
        lengths: one per sequence, 0 included. Steps behind a sequence's length leave its state
            as it is, and their outputs are 0; what x holds there does not matter.
        reverse: from the last step to the first (of each sequence, by its length).
        return_states: also return the state behind each step.

    Returns:
        (outputs, state): outputs (steps, batch, ...), and the state after each sequence's own
        last step; with return_states (outputs, state, states), states stacked like outputs.

    Raises ValueError for lengths that do not fit, TypeError without a state to begin with.
    """
    steps, batch = x.shape[0], x.shape[1]
    step: Step = cell.step if isinstance(cell, Cell) else cell
    if state is None:
        if isinstance(cell, Cell):
            state = cell.initial_state(batch, x)
        else:
            raise TypeError("scan(): a step function needs a state to begin with: give state=")
    masks: list[Tensor | None] = [None] * steps
    if lengths is not None:
        ends = check_lengths(lengths, batch, steps)
        x, masks = _masked(x, ends)
    inputs = (cell.project(x) if isinstance(cell, Cell) else x).unbind(0)
    outputs: list[Any] = [None] * steps
    states: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        output, new = step(inputs[t], state)
        mask = masks[t]
        if mask is None:
            state = new
        else:
            output = _choose(mask, output, 0)
            state = _choose(mask, new, state)
        outputs[t], states[t] = output, state
    if not return_states:
        return stack(outputs), state
    return stack(outputs), state, _stacked(states)


def _stacked(states: list[Any]) -> Any:
    if isinstance(states[0], Tensor):
        return stack(states)
    return tuple(stack(part) for part in zip(*states, strict=True))


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


def run_layers(
    layers: Sequence[Sequence[Any]],
    x: Tensor,
    states: Sequence[Sequence[Any]],
    lengths: Lengths | None = None,
    dropout_p: float = 0.0,
) -> tuple[Tensor, list[Any]]:
    """Layers of one or two directions, each a cell for `scan`, on x (steps, batch, features).

    The outputs of a layer's directions, side by side, are the next layer's input, behind dropout
    with probability dropout_p. Returns the last layer's outputs, and the final states, layer by
    layer and direction by direction.
    """
    finals = []
    for number, (directions, begin) in enumerate(zip(layers, states, strict=True)):
        if number and dropout_p:
            x = dropout(x, dropout_p)
        outputs = []
        for backwards, (cell, state) in enumerate(zip(directions, begin, strict=True)):
            output, final = scan(cell, x, state, lengths, reverse=bool(backwards))
            outputs.append(output)
            finals.append(final)
        x = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
    return x, finals


class Recurrent(Module):
    """A recurrent layer of any cell.

        layer = nn.Recurrent(Leaky, 28, 64, num_layers=2, bidirectional=True)
        output, state = layer(x, lengths=[35, 20, 7])

    Args:
        cell: called as ``cell(input_size, *args, **options)`` for each layer and direction; it
            returns a `Cell`. Usually the class itself.
        input_size: the features of the input; later layers get what the one before puts out.
        args, options: what else the cell takes.
        num_layers, batch_first, dropout, bidirectional: as for `LSTM`.

    ``layer(input, state=None, lengths=None)``: input (steps, batch, input_size), or (batch, steps,
    input_size) with batch_first. Returns the outputs of the last layer, directions side by side,
    and the final states, in the cell's own structure with a first dimension of num_layers *
    directions, as `state` must have it.
    """

    def __init__(
        self,
        cell: Callable[..., Cell],
        input_size: int,
        *args: Any,
        num_layers: int = 1,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        check_size("num_layers", num_layers)
        self.num_layers, self.batch_first = num_layers, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        self.cells = ModuleList()
        for _ in range(num_layers):
            cells = [cell(input_size, *args, **options) for _ in range(1 + bidirectional)]
            self.cells.extend(cells)
            input_size = sum(made.output_size for made in cells)

    def forward(
        self, input: Tensor, state: State | None = None, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        if input.dim() < 3:
            raise ValueError(
                f"Recurrent: Expected input to be at least 3D (steps, batch, features), got "
                f"{input.dim()}D"
            )
        x = input.transpose(0, 1) if self.batch_first else input
        directions = 1 + self.bidirectional
        cells = list(self.cells)
        layers = [cells[i : i + directions] for i in range(0, len(cells), directions)]
        if state is None:
            begin = [[cell.initial_state(x.shape[1], x) for cell in layer] for layer in layers]
        else:
            flat = _separate(state, len(cells))
            begin = [flat[i : i + directions] for i in range(0, len(cells), directions)]
        x, finals = run_layers(layers, x, begin, lengths, self.dropout if self.training else 0.0)
        return x.transpose(0, 1) if self.batch_first else x, _stacked(finals)


def _separate(state: Any, count: int) -> list[Any]:
    """The states of `count` cells from tensors that hold them along the first dimension."""
    if isinstance(state, Tensor):
        if not state.dim() or state.shape[0] != count:
            raise RuntimeError(
                f"state: expected a first dimension of {count} (layers * directions), got shape "
                f"{list(state.shape)}"
            )
        return list(state.unbind(0))
    return list(zip(*(_separate(part, count) for part in state), strict=True))
