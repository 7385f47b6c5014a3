"""What a case is, and the sizes, weights and data that all libraries begin with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}

Update = Callable[[], float]
"""Does one update (or some calls) of a program, and returns its loss before the update."""

Program = Callable[[Any], Update]
"""Makes the update, given this library or PyTorch."""


@dataclass(frozen=True)
class Sizes:
    """Of a recurrent layer under a linear head on one-hot characters."""

    mode: str = "LSTM"
    hidden: int = 256
    steps: int = 35
    batch: int = 32
    features: int = 28

    @property
    def operations(self) -> int:
        """Multiplications and additions in the matrix products of a training step: forward and
        for the gradients of weights, of states and of what enters the head."""
        rows = GATES[self.mode] * self.hidden
        layer = rows * (2 * (self.hidden + self.features) + self.hidden)
        head = 3 * self.hidden * self.features
        return 2 * self.steps * self.batch * (layer + head)


@dataclass(frozen=True)
class Case:
    """One program to measure.

    Attributes:
        name: what `--only` looks at.
        about: one line for `--list`.
        updates: how many are measured, after `WARMUP` others.
        calls: calls in one update, for programs that are too short to measure.
        unit: what the rate counts; "MB" for sizes.
        sizes: those of a layer that JAX and handwritten NumPy have too; None: only PyTorch.
        quick: whether `--quick` takes it without being asked for it.
        tolerance: how far, relatively, the losses of two libraries may be apart.
        measure: "updates", or "import" and "size" for what is measured of the library itself.
    """

    name: str
    about: str
    program: Program
    updates: int = 20
    calls: int = 1
    unit: str = "updates/s"
    sizes: Sizes | None = None
    quick: bool = True
    tolerance: float = 1e-4
    measure: str = "updates"

    def counted(self, quick: bool) -> int:
        """How many updates are measured."""
        return max(self.updates // 4, 1) if quick else self.updates


WARMUP = 2  # compilers, buffers and caches are at work in the first, and some in the second


def characters(sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets, int64 (steps, batch): a text in which each character is followed by one
    of three, so that there is something to learn."""
    random = np.random.default_rng(1)
    following = random.integers(sizes.features, size=(sizes.features, 3))
    text = np.empty((sizes.steps + 1, sizes.batch), np.int64)
    text[0] = random.integers(sizes.features, size=sizes.batch)
    for t, choice in enumerate(random.integers(3, size=(sizes.steps, sizes.batch))):
        text[t + 1] = following[text[t], choice]
    return text[:-1], text[1:]


def weights(shapes: Sequence[tuple[int, ...]], bound: float) -> Iterator[np.ndarray]:
    """float32 arrays from U(-bound, bound), the same ones for the same shapes."""
    random = np.random.default_rng(2)
    for shape in shapes:
        yield random.uniform(-bound, bound, shape).astype(np.float32)


def layer_weights(sizes: Sizes) -> list[np.ndarray]:
    """weight_ih, weight_hh, bias_ih, bias_hh of a layer, weight and bias of its head."""
    hidden, rows = sizes.hidden, GATES[sizes.mode] * sizes.hidden
    shapes = [(rows, sizes.features), (rows, hidden), (rows,), (rows,)]
    shapes += [(sizes.features, hidden), (sizes.features,)]
    return list(weights(shapes, 1 / math.sqrt(hidden)))


def fill(torch: Any, module: Any, bound: float) -> None:
    """Give a module's parameters, in their order, the numbers of `weights`; 1 to those called
    gain."""
    named = list(module.named_parameters())
    values = weights([tuple(p.shape) for _, p in named], bound)
    with torch.no_grad():
        for (name, parameter), value in zip(named, values, strict=True):
            if "gain" in name:
                parameter.fill_(1.0)
            else:
                parameter.copy_(torch.from_numpy(value))
