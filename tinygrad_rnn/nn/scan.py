"""The engine of recurrent layers: a `Cell` is one step, `scan` runs it over a sequence, `Recurrent`
stacks scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.graph import RemovableHandle
from ..creation import as_tensor
from ..ops.choice import where
from ..ops.joining import cat, stack
from ..tensor import Tensor
from .containers import ModuleList
from .functional import dropout
from .hooks import Hook
from .module import Module

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
    on_step: OnStep | None = None,
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
        on_step: called as ``on_step(t, new_state)`` with what each step returned, in the graph.

    Returns:
        (outputs, state): outputs (steps, batch, ...), and the state after each sequence's own
        last step; with return_states (outputs, state, states), states stacked like outputs.

    Raises ValueError for lengths that do not fit, TypeError without a state to begin with.

    >>> outputs, state = nn.scan(lambda x, h: (x + h, x + h), torch.ones(3, 1), torch.zeros(1))
    >>> outputs.flatten(), state
    (tensor([1., 2., 3.]), tensor([3.]))
    """
    steps, batch = x.shape[0], x.shape[1]
    if state is None:
        if not isinstance(cell, Cell):
            raise TypeError("scan(): a step function needs a state to begin with: give state=")
        state = cell.initial_state(batch, x)
    ends = None if lengths is None else check_lengths(lengths, batch, steps)
    if isinstance(cell, Cell):
        cell = cell.begin(x)
        if not return_states and on_step is None:
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
    if isinstance(cell, Cell):
        step: Step = cell.step
        inputs = _unstacked(cell.project(x))
    else:
        step, inputs = cell, _unstacked(x)
    outputs: list[Any] = [None] * steps
    states: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        output, new = step(inputs[t], state)
        if on_step is not None:
            on_step(t, new)
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


def _unstacked(x: Any) -> Sequence[Any]:
    """The steps of a tensor (steps, ...), or of a tuple of them."""
    return (
        x.unbind(0) if isinstance(x, Tensor) else list(zip(*(p.unbind(0) for p in x), strict=True))
    )


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


# ----- layers of two directions -----


class Layered(Module):
    """What `Recurrent` and RNN, GRU, LSTM share: a walk through layers and directions."""

    dropout: float

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
        return scan(cell, x, state, lengths, reverse, return_states, on_step)

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
        directions = 1 + self.bidirectional
        layers = [cells[i : i + directions] for i in range(0, len(cells), directions)]
        if state is None:
            begin = [cell.initial_state(x.shape[1], x) for cell in cells]
        else:
            begin = _separate(state, len(cells))
        x, finals, states = self._run_layers(layers, x, begin, lengths, self._drop, return_states)
        output = x.transpose(0, 1) if self.batch_first else x
        if not return_states:
            return output, _stacked(finals)
        every = _stacked(states)
        if self.batch_first:
            every = each(lambda part: part.transpose(1, 2), every)
        return output, _stacked(finals), every


def each(function: Callable[[Tensor], Any], state: Any) -> Any:
    """The function of a state's tensor, or of each of its tensors."""
    if isinstance(state, Tensor):
        return function(state)
    return tuple(each(function, part) for part in state)


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
