"""What the fused layers share: the batch's way through a sequence, and gradients of weights.

Everything inside is feature-major, (features, sequences), because BLAS multiplies weights with that
faster than with (sequences, features). The sequences are in order of falling length, so those
that run at a step are the first ones: a step of a ragged batch is a smaller product, not a mask.

A step's input is the column [x; 1; h], so that its product with [W_ih | b | W_hh] is the
projected input, the bias and the recurrent product at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
States = tuple[Array, ...]
Gradients = tuple[Array | None, ...]  # of Weights
COLUMNS = 1024  # of gate gradients that are collected for one product: enough for BLAS's full speed


class Weights(NamedTuple):
    """The weights of one direction of one layer, as PyTorch has them. Both biases or neither."""

    ih: Any
    hh: Any
    bias_ih: Any = None
    bias_hh: Any = None
    hr: Any = None


@dataclass(frozen=True)
class Way:
    """The way of a batch through a sequence.

    counts: how many sequences run at each step; not rising, 0 allowed.
    batch: how many there are.
    reverse: from the last step to the first.
    """

    counts: tuple[int, ...]
    batch: int
    reverse: bool

    def steps(self) -> list[int]:
        """The numbers of the steps in the order they run."""
        steps = [t for t, n in enumerate(self.counts) if n]
        return steps[::-1] if self.reverse else steps

    def pairs(self) -> Iterator[tuple[int, int | None]]:
        """Each step with the one that follows."""
        steps = self.steps()
        return zip(steps, [*steps[1:], None], strict=False)

    def runs(self) -> Iterator[list[int]]:
        """The steps from the last that ran to the first, in runs of about `COLUMNS` columns."""
        steps = self.steps()[::-1]
        total = sum(self.counts)
        size = total / max(1, total // COLUMNS)
        run, columns = [], 0
        for t in steps:
            run.append(t)
            columns += self.counts[t]
            if columns >= size:
                yield run
                run, columns = [], 0
        if run:
            yield run


def blocks(flat: Array, rows: int, counts: Sequence[int]) -> list[Array]:
    """Arrays (rows, count), one for each step, that lie one behind the other in `flat`."""
    views, at = [], 0
    for n in counts:
        views.append(flat[at : at + rows * n].reshape(rows, n))
        at += rows * n
    return views


def buffer(rows: int, way: Way, dtype: np.dtype, memory: Array | bool) -> tuple[Array, list[Array]]:
    """Memory for (rows, count) of every step and its blocks: new memory (True), or what was kept
    there. False: the blocks of all steps are in one place, for what no later step reads."""
    if isinstance(memory, bool) and not memory:
        flat = np.empty(rows * max(way.counts, default=0), dtype)
        views = {n: flat[: rows * n].reshape(rows, n) for n in set(way.counts)}
        return flat, [views[n] for n in way.counts]
    flat = memory if isinstance(memory, np.ndarray) else np.empty(rows * sum(way.counts), dtype)
    return flat, blocks(flat, rows, way.counts)


def resized(state: Array, n: int, joining: Array, leaving: Array) -> Array:
    """A state (features, m) for n sequences: those that join bring theirs, those that leave put
    theirs down. Both lists are (features, batch)."""
    m = state.shape[1]
    if n == m:
        return state
    if n < m:
        leaving[:, n:m] = state[:, n:]
        return state[:, :n].copy()
    grown = np.empty((state.shape[0], n), state.dtype)
    grown[:, :m] = state
    grown[:, m:] = joining[:, m:n]
    return grown


def transposed(state: Array | None, features: int, batch: int, dtype: np.dtype) -> Array:
    """A copy (features, batch) of a state or gradient (batch, features); zeros for None."""
    if state is None:
        return np.zeros((features, batch), dtype)
    return np.array(state.T, order="C")


def joined(blocks: Sequence[Array], rows: slice = slice(None)) -> Array:
    """Rows of all blocks (rows, count), side by side: (rows, sum of counts)."""
    return np.concatenate([block[rows] for block in blocks], axis=1)


def divided(gradient: Array, inputs: int) -> tuple[Array, ...]:
    """The gradients of weight_ih, weight_hh, bias_ih and bias_hh in that of [W_ih | b | W_hh]."""
    bias = gradient[:, inputs].copy()
    return gradient[:, :inputs].copy(), gradient[:, inputs + 1 :].copy(), bias, bias


class Column:
    """The inputs [x; 1; h] of all steps."""

    def __init__(self, x: Array, hidden: int, way: Way, keep: bool) -> None:
        self.x, self.way = x, way
        self.inputs = x.shape[2]
        self.flat, self.steps = buffer(self.inputs + 1 + hidden, way, x.dtype, keep)

    def begin(self, t: int, h: Array) -> Array:
        """The input of step t, with h of shape (hidden, count) (perhaps it is there already)."""
        step, inputs = self.steps[t], self.inputs
        step[:inputs] = self.x[t, : step.shape[1]].T
        step[inputs] = 1
        slot = step[inputs + 1 :]
        if h.ctypes.data != slot.ctypes.data:
            slot[:] = h
        return step

    def slot(self, t: int | None, n: int) -> Array:
        """Where a new h (hidden, n) may be written: the input of step t, if that fits."""
        if t is not None and self.way.counts[t] == n:
            return self.steps[t][self.inputs + 1 :]
        return np.empty((self.steps[0].shape[0] - self.inputs - 1, n), self.x.dtype)


class InputGradient:
    """The gradient with respect to x, filled run by run."""

    def __init__(self, way: Way, inputs: int, dtype: np.dtype, needed: bool) -> None:
        self.way = way
        shape = (len(way.counts), way.batch, inputs)
        self.array = np.zeros(shape, dtype) if needed else None

    def fill(self, run: list[int], gates: Array, weight: Array) -> None:
        """Gate gradients (gates, columns) of a run of steps through the weight (gates, inputs)."""
        if self.array is None:
            return
        rows = gates.T @ weight
        at = 0
        for t in run:
            n = self.way.counts[t]
            self.array[t, :n] = rows[at : at + n]
            at += n
