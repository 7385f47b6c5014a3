"""How a plan goes through a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backends import Array, Backend
from .plan import Plan


@dataclass(frozen=True)
class Course:
    """How a sequence is run through.

    steps: how many there are.
    reverse: from the last to the first.
    lengths: how many of them each sequence has; None: all have all.
    """

    steps: int
    reverse: bool
    lengths: Sequence[int] | None

    def order(self) -> range:
        """The numbers of the steps as they run."""
        return range(self.steps)[::-1] if self.reverse else range(self.steps)

    def turned(self, x: Array) -> Array:
        """What has a first dimension of steps, as they run; and back."""
        return x[::-1] if self.reverse else x

    def ragged(self) -> bool:
        """Whether there are steps at which some sequences do not run."""
        return self.lengths is not None and min(self.lengths, default=self.steps) < self.steps

    def running(self, xp: Backend, dtype: Any) -> Array | None:
        """1 for the sequences that run at a step, 0 for others, (steps, batch, 1) in the order in
        which they run; None where all do."""
        if not self.ragged():
            return None
        times = xp.asarray(list(self.order())).reshape((-1, 1, 1))
        lengths = xp.asarray(list(self.lengths or ())).reshape((1, -1, 1))
        return (times < lengths).astype(dtype)

    def idle(self, xp: Backend) -> list[Array | None]:
        """For each step the numbers of the sequences that do not run at it; None where all do."""
        if self.lengths is None or not self.ragged():
            return [None] * self.steps
        found: list[Array | None] = []
        for t in range(self.steps):
            if t and t not in self.lengths:  # as at the step before
                found.append(found[-1])
                continue
            numbers = [number for number, n in enumerate(self.lengths) if n <= t]
            found.append(xp.asarray(numbers) if numbers else None)
        return found


def divided(plan: Plan, values: Sequence[Any]) -> tuple[Sequence[Any], ...]:
    """What goes into a step: inputs, states, constants."""
    first = len(plan.step.inputs)
    second = first + len(plan.step.states)
    return values[:first], values[first:second], values[second:]
