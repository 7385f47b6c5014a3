"""A recurrent layer's way through a sequence in segments, which backward computes again."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ..autograd import is_grad_enabled, primitive
from ..autograd.checkpoint import checkpoint
from ..backends import Array, Backend
from ..ops.joining import part_of
from ..tensor import Tensor
from .states import each

Every = int | str | None


def check_every(every: Every) -> Every:
    """The value itself. Raises TypeError unless it is an int, "sqrt" or None, ValueError unless it
    is positive."""
    if every is None or every == "sqrt":
        return every
    if not isinstance(every, int) or isinstance(every, bool):
        raise TypeError(
            "checkpoint_every should be a number of steps, 'sqrt' or None, got: "
            f"{every!r} ({type(every).__name__})"
        )
    if every <= 0:
        raise ValueError(f"checkpoint_every must be greater than zero, got {every}")
    return every


def in_segments(
    run: Callable[..., tuple[Any, ...]],
    part: Callable[[int, int], Any],
    every: Every,
    x: Tensor,
    state: Any,
    ends: list[int] | None,
    reverse: bool,
    return_states: bool = False,
    on_step: Callable[[int, Any], None] | None = None,
) -> tuple[Any, ...]:
    """A sequence, cut into segments of `every` steps: of each only the state at its border is kept
    and what it puts out; backward runs it again (Chen et al., 2016).

    Args:
        run: as `scan`: ``run(cell, x, state, ends, reverse, return_states, on_step)``.
        part: the cell for the steps from a first to a last (which is not among them).
        every: "sqrt": as many as there are segments, or just so.
        x, state, ends, reverse, return_states, on_step: as for `scan`, whose results it has.
    """
    steps = x.shape[0]
    size = every if isinstance(every, int) else steps
    if every == "sqrt":
        size = math.isqrt(max(steps - 1, 0)) + 1
    if size >= steps or not is_grad_enabled():
        return run(part(0, steps), x, state, ends, reverse, return_states, on_step)
    starts = range(0, steps, size)
    whole: Any = None
    results: list[tuple[Any, ...]] = []
    for start in reversed(starts) if reverse else starts:
        stop = min(start + size, steps)
        within = ends and [min(max(end - start, 0), stop - start) for end in ends]
        call = _Segment(run, part(start, stop), within, reverse, return_states, on_step, start)
        output, state, *states = checkpoint(call, x[start:stop], state)
        call.on_step = None  # when the segment runs again, its steps are no news
        if whole is None:
            whole = each(lambda part: part.new_empty(steps, *part.shape[1:]), (output, *states))
        each(partial(_settle, start), whole, (output, *states))
        results.append((output, *states))
    if reverse:
        results.reverse()
    output, *more = each(_joined, whole, *results)
    return output, state, *more


def _settle(start: int, whole: Tensor, part: Tensor) -> None:
    """Move a segment's results to their place in the whole: arrays of their own, freed when all
    are joined, would leave holes in the memory that nothing behind them fits into."""
    place = whole.data[start : start + len(part)]
    place.copy_(part.data)
    part.data = place


@primitive(name="CatBackward0")
def _joined(xp: Backend, *tensors: Array) -> Array:
    """The first tensor, which the others already lie in, one behind the other."""
    return tensors[0]


_joined.gradients(lambda g, _y, number, xs_shape: part_of(g, number - 1, xs_shape[1:], dim=0))


class _Segment:
    """A run over some steps of a sequence, from the step `start`."""

    def __init__(
        self,
        run: Callable[..., tuple[Any, ...]],
        cell: Any,
        ends: list[int] | None,
        reverse: bool,
        return_states: bool,
        on_step: Callable[[int, Any], None] | None,
        start: int,
    ) -> None:
        self.run, self.cell, self.ends, self.reverse = run, cell, ends, reverse
        self.return_states, self.on_step, self.start = return_states, on_step, start
        self.hooked = on_step is not None

    def __call__(self, x: Tensor, state: Any) -> tuple[Any, ...]:
        on_step = self._on_step if self.hooked else None
        return self.run(self.cell, x, state, self.ends, self.reverse, self.return_states, on_step)

    def _on_step(self, t: int, new: Any) -> None:
        if self.on_step is not None:
            self.on_step(self.start + t, new)
