"""What the fused layers share: the batch's way through a sequence, and gradients of weights.

Everything inside is feature-major, (features, sequences), because BLAS multiplies weights with that
faster than with (sequences, features). The sequences are in order of falling length, so those
that run at a step are the first ones: a step of a ragged batch is a smaller product, not a mask.

A step's input is the column [x; 1; h], so that its product with [W_ih | b | W_hh] is the
projected input, the bias and the recurrent product at once: see `Projection`.
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
LINE = 16  # rows that are transposed at once: a line of the cache, several times as fast as all
SMALL = 8  # a batch for which a copy of the weights costs more than the product of a step


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


class Projection:
    """W_ih x + b + W_hh h of a step's column [x; 1; h], rows of sigmoids halved (see `lstm`).

    It is one product with the matrix [W_ih | b | W_hh], or, for small batches, two products with
    the weights as they are, which need no preparation. Which of the two it is, and so the rounding,
    depends on the batch alone: a step has the same bits by itself as within a sequence.

    Args:
        ih, b, hh: weights (rows, inputs), (rows, hidden), either perhaps None, and the sum of
            their biases (rows), or None.
        halved: the rows that are multiplied by 1/2.
        batch: of the whole way.
    """

    def __init__(
        self,
        ih: Array | None,
        b: Array | None,
        hh: Array | None,
        batch: int,
        halved: Sequence[slice] = (),
    ) -> None:
        self.ih, self.b, self.hh, self.halved = ih, b, hh, halved
        self.stacked = None if batch <= SMALL else self._stacked()

    def _stacked(self) -> Array:
        parts = [part for part in (self.ih, self.hh) if part is not None]
        rows, inputs = parts[0].shape[0], 0 if self.ih is None else self.ih.shape[1]
        stacked = np.empty((rows, 1 + sum(part.shape[1] for part in parts)), parts[0].dtype)
        if self.ih is not None:
            stacked[:, :inputs] = self.ih
        stacked[:, inputs] = 0 if self.b is None else self.b
        if self.hh is not None:
            stacked[:, inputs + 1 :] = self.hh
        return _halve(stacked, self.halved)

    def __call__(self, column: Array, out: Array) -> Array:
        """The projection (rows, count) of a column (its rows that there are weights for)."""
        if self.stacked is not None:
            return np.matmul(self.stacked, column, out=out)
        ih, hh = self.ih, self.hh
        if hh is not None:
            np.matmul(hh, column[-hh.shape[1] :], out=out)
            if ih is not None:
                out += ih @ column[: ih.shape[1]]
        elif ih is not None:
            np.matmul(ih, column[:-1], out=out)
        if self.b is not None:
            out += self.b[:, None]
        return _halve(out, self.halved)


def _halve(array: Array, blocks: Sequence[slice]) -> Array:
    half = array.dtype.type(0.5)
    for rows in blocks:
        block = array[rows]
        block *= half
    return array


def both(bias_ih: Array | None, bias_hh: Array | None) -> Array | None:
    """The sum of two biases, or of none."""
    return None if bias_ih is None else bias_ih + bias_hh


def quartered(weight: Array, sigmoids: Sequence[slice]) -> Array:
    """A copy with the rows of sigmoids, whose slopes come four times too large, times 1/4."""
    weight = weight.copy()
    for rows in sigmoids:
        weight[rows] *= 0.25
    return weight


def backwards(*parts: tuple[Array, float]) -> Array:
    """[W; ...].T in C order for weights W and what they are multiplied by: the matrix that brings
    gate gradients back to the state."""
    dtype, columns = parts[0][0].dtype, parts[0][0].shape[1]
    result = np.empty((columns, sum(len(weight) for weight, _ in parts)), dtype)
    at = 0
    for weight, scale in parts:
        for row in range(0, len(weight), LINE):
            some = weight[row : row + LINE]
            np.multiply(some.T, dtype.type(scale), out=result[:, at : at + len(some)])
            at += len(some)
    return result


def divided(gradient: Array, inputs: int) -> tuple[Array, ...]:
    """The gradients of weight_ih, weight_hh, bias_ih and bias_hh in that of [W_ih | b | W_hh]."""
    bias = gradient[:, inputs].copy()
    return gradient[:, :inputs].copy(), gradient[:, inputs + 1 :].copy(), bias, bias


def column_of(x: Array, h: Array) -> Array:
    """The input [x; 1; h] of one step, for x (batch, inputs) and h (batch, hidden)."""
    inputs = x.shape[1]
    column = np.empty((inputs + 1 + h.shape[1], x.shape[0]), x.dtype)
    column[:inputs] = x.T
    column[inputs] = 1
    column[inputs + 1 :] = h.T
    return column


def turned(state: Array) -> Array:
    """A state (features, batch) as (batch, features), and the other way round."""
    return np.ascontiguousarray(state.T)


class Column:
    """The inputs [x; 1; h] of all steps."""

    def __init__(self, x: Array, hidden: int, way: Way, keep: bool) -> None:
        self.x, self.way = x, way
        self.inputs = x.shape[2]
        self.given: Array | None = None  # the last slot
        self.flat, self.steps = buffer(self.inputs + 1 + hidden, way, x.dtype, keep)

    def begin(self, t: int, h: Array) -> Array:
        """The input of step t, with h of shape (hidden, count) (perhaps it is there already)."""
        step, inputs = self.steps[t], self.inputs
        step[:inputs] = self.x[t, : step.shape[1]].T
        step[inputs] = 1
        if h is not self.given:
            step[inputs + 1 :] = h
        return step

    def slot(self, t: int | None, n: int) -> Array:
        """Where a new h (hidden, n) may be written: the input of step t, if that fits."""
        if t is not None and self.way.counts[t] == n:
            self.given = self.steps[t][self.inputs + 1 :]
            return self.given
        return np.empty((self.steps[0].shape[0] - self.inputs - 1, n), self.x.dtype)


class InputGradient:
    """The gradient with respect to x, filled run by run."""

    def __init__(
        self, way: Way, weight_ih: Array, needed: bool, sigmoids: Sequence[slice] = ()
    ) -> None:
        self.way, self.array = way, None
        if needed:
            self.weight = quartered(weight_ih, sigmoids)
            shape = (len(way.counts), way.batch, weight_ih.shape[1])
            self.array = np.zeros(shape, weight_ih.dtype)

    def fill(self, run: list[int], gates: Array) -> None:
        """Gate gradients (gates, columns) of a run of steps."""
        if self.array is None:
            return
        rows = gates.T @ self.weight
        at = 0
        for t in run:
            n = self.way.counts[t]
            self.array[t, :n] = rows[at : at + n]
            at += n
