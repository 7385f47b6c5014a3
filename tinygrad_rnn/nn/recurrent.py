"""Layers of cells: directions side by side, one layer behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.graph import RemovableHandle
from ..creation import empty
from ..ops.joining import cat
from ..tensor import Tensor
from .checkpointed import Every, check_every
from .containers import ModuleList
from .functional import dropout
from .hooks import Hook
from .module import Module
from .scan import Cell, Lengths, OnStep, State, check_size, scan
from .states import each, stacked


class Layered(Module):
    """What `Recurrent` and RNN, GRU, LSTM share: a walk through layers and directions."""

    dropout: float
    checkpoint_every: Every

    def register_step_hook(self, hook: Callable[[int, int, Any], None]) -> RemovableHandle:
        """Call ``hook(number, t, new_state)`` behind each step of each layer and direction.

        number is layer * directions + direction, and new_state what the step at time t returned:
        a tensor (batch, size) or a tuple of them, in the graph, so that ``register_hook`` on it
        sees the gradient that arrives there. Returns a handle; ``handle.remove()`` ends it.
        """
        return self._register_hook(Hook("step", hook))

    def _drop(self, output: Tensor) -> Tensor:
        """The output of one layer as the next one gets it."""
        return dropout(output, self.dropout)

    def _run(
        self, cell: Cell, x: Tensor, state: Any, lengths: Lengths | None, reverse: bool,
        return_states: bool, on_step: OnStep | None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """One direction of one layer: the one place that decides how it is run. Arguments and
        results are those of `scan`; a `StockCell` has its weights and masks with it."""
        every = self.checkpoint_every
        return scan(cell, x, state, lengths, reverse, return_states, on_step, every)

    def _run_layers(
        self, layers: Sequence[Sequence[Cell]], x: Tensor, begin: Sequence[Any],
        lengths: Lengths | None, between: Callable[[Tensor], Tensor], return_states: bool,
    ) -> tuple[Tensor, list[Any], list[Any]]:  # fmt: skip
        """Layers of one or two directions, each a cell, on x (steps, batch, features).

        The outputs of a layer's directions, side by side, are, behind `between` (dropout),
        the next layer's input. `begin` has a state for each layer and direction, in
        this order. Returns the last layer's outputs, the final states in the same order, and (if
        wanted) the states of all steps.
        """
        hooks = [hook.function for hook in self._hooks_of("step")]
        finals: list[Any] = []
        states: list[Any] = []
        for layer, directions in enumerate(layers):
            if layer and self.dropout and self.training:
                x = between(x)
            outputs = []
            for reverse, cell in enumerate(directions):
                number = len(finals)

                def on_step(t: int, new: Any, number: int = number) -> None:
                    for hook in hooks:
                        hook(number, t, new)

                output, final, *more = self._run(
                    cell, x, begin[number], lengths, bool(reverse), return_states,
                    on_step if hooks else None,
                )  # fmt: skip
                outputs.append(output)
                finals.append(final)
                states.extend(more)
            x = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
        return x, finals, states


class Recurrent(Layered):
    """A recurrent layer of any cell.

        layer = nn.Recurrent(Leaky, 28, 64, num_layers=2, bidirectional=True)
        output, state = layer(x, lengths=[35, 20, 7])

    Args:
        cell: called as ``cell(input_size, *args, **options)`` for each layer and direction; it
            returns a `Cell`. Usually the class itself.
        input_size: the features of the input; later layers get what the one before puts out.
        args, options: what else the cell takes.
        num_layers, batch_first, dropout, bidirectional: as for `LSTM`.
        checkpoint_every: as for `scan`; may be changed later.

    ``layer(input, state=None, lengths=None, return_states=False)``: input (steps, batch,
    input_size), or (batch, steps, input_size) with batch_first. Returns the outputs of the last
    layer, directions side by side, and the final states, in the cell's own structure with a first
    dimension of num_layers * directions, as `state` must have it; with return_states also the
    states behind every step, (num_layers * directions, steps, batch, size), or (..., batch,
    steps, size) with batch_first.

    >>> layer = nn.Recurrent(nn.GRUCell, 3, 4, num_layers=2)
    >>> output, state = layer(torch.randn(5, 2, 3))
    >>> output.shape, state.shape
    (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]))
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
        checkpoint_every: Every = None,
        **options: Any,
    ) -> None:
        super().__init__()
        check_size("num_layers", num_layers)
        self.num_layers, self.batch_first = num_layers, batch_first
        self.dropout, self.bidirectional = dropout, bool(bidirectional)
        self.checkpoint_every = check_every(checkpoint_every)
        self.cells = ModuleList()
        for layer in range(num_layers):
            cells = [cell(input_size, *args, **options) for _ in range(1 + self.bidirectional)]
            parts = [p.numel() for made in cells for p in made.parameters()]
            empty(num_layers - layer, sum(parts))  # fails at once if memory would
            self.cells.extend(cells)
            input_size = sum(made.output_size for made in cells)

    def forward(
        self,
        input: Tensor,
        state: State | None = None,
        lengths: Lengths | None = None,
        return_states: bool = False,
    ) -> tuple[Any, ...]:
        if input.dim() < 3:
            raise ValueError(
                f"Recurrent: Expected input to be at least 3D (steps, batch, features), got "
                f"{input.dim()}D"
            )
        x = input.transpose(0, 1) if self.batch_first else input
        cells = list(self.cells)
        directions = 1 + bool(self.bidirectional)
        layers = [cells[i : i + directions] for i in range(0, len(cells), directions)]
        if state is None:
            begin = [cell.initial_state(x.shape[1], x) for cell in cells]
        else:
            begin = _separate(state, len(cells))
        x, finals, states = self._run_layers(layers, x, begin, lengths, self._drop, return_states)
        output = x.transpose(0, 1) if self.batch_first else x
        if not return_states:
            return output, stacked(finals)
        every = stacked(states)
        if self.batch_first:
            every = each(lambda part: part.transpose(1, 2), every)
        return output, stacked(finals), every


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
