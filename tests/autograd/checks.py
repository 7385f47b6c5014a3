"""What is checked of a random call: derivatives along a random direction against differences, and
everything against PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_rnn as tg
from tinygrad_rnn.autograd.graph import Node

from . import cases, cases_layers, cases_special
from .cases import Case

HAS_TORCH = importlib.util.find_spec("torch") is not None
STEP = 1e-6

FAMILIES: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    "of_one": cases.of_one,
    "of_two": cases.of_two,
    "of_three": cases.of_three,
    "reductions": cases.reductions,
    "products": cases.products,
    "places": cases.places,
    "convolutions": cases_layers.convolutions,
    "pooling": cases_layers.pooling,
    "normalisation": cases_layers.normalisation,
    "losses": cases_layers.losses,
    "class_losses": cases_layers.class_losses,
    "embedding": cases_layers.embedding,
    "recurrence": cases_layers.recurrence,
    "special": cases_special.special,
    "matrices": cases_special.matrices,
    "margin_losses": cases_special.margin_losses,
    "ctc": cases_special.ctc,
    "own_steps": cases_special.own_steps,
}


def _waves(count: int, phase: float) -> np.ndarray:
    """Fixed numbers without any symmetry."""
    return np.cos(np.arange(1.0, count + 1.0) * (1.3 + phase)) + 0.2


def _total(lib: Any, results: Any, phase: float) -> Any:
    """One number that depends on every element of the results in another way."""
    total = 0
    for i, y in enumerate(results if isinstance(results, tuple | list) else [results]):
        weights = lib.as_tensor(_waves(y.numel(), phase + 0.7 * i), dtype=y.dtype)
        # (gradients of these, too: so that what the rules do with gradients is recorded)
        weights.requires_grad_(lib is tg and y.requires_grad)
        total = total + (y * weights.reshape(tuple(y.shape))).sum()
    return total


def _leaves(lib: Any, arrays: Sequence[np.ndarray], dtype: str) -> list[Any]:
    """Tensors of the arrays; here in their very places in memory."""
    made = []
    for array in arrays:
        if array.dtype.kind == "f":
            if lib is tg and dtype == array.dtype:
                made.append(tg.as_tensor(np.asarray(array)).requires_grad_())
            else:
                made.append(lib.tensor(array.astype(dtype), requires_grad=True))
        else:
            made.append(lib.tensor(array))
    return made


class Derivatives:
    """The result's total, its gradients, as in training (`plain`) and as they can be differentiated
    again, and those of a total of the latter."""

    def __init__(self, lib: Any, case: Case, arrays: Sequence[np.ndarray], dtype: str) -> None:
        self.inputs = _leaves(lib, arrays, dtype)
        leaves = [x for x in self.inputs if x.is_floating_point()]
        results = case.call(lib, *self.inputs)
        self.value = _total(lib, results, 0.0)
        self.plain = self._of(lib, self.value, leaves, retain_graph=True)
        self.first = self._of(lib, self.value, leaves, create_graph=True)
        self.slope = _total(lib, self.first, 0.1)
        try:
            self.second = self._of(lib, self.slope, leaves, create_graph=lib is tg)
        except RuntimeError as error:  # not all of PyTorch's have a second one
            if lib is tg or "is not implemented" not in str(error):
                raise
            self.second = []

    @staticmethod
    def _of(lib: Any, y: Any, leaves: list[Any], **options: Any) -> list[Any]:
        if not y.requires_grad:
            return [lib.zeros_like(x) for x in leaves]
        found = lib.autograd.grad(y, leaves, allow_unused=True, **options)
        return [lib.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]

    def all(self) -> list[np.ndarray]:
        """All of it; the value alone of what has no gradients."""
        parts = [self.value]
        if self.value.requires_grad:
            parts += [*self.plain, *self.first, self.slope, *self.second]
        return [part.detach().numpy(force=True) for part in parts]


def _operations(*results: Any) -> set[Any]:
    """The operations in the graph behind some tensors."""
    stack = [y.grad_fn for y in results if y.grad_fn is not None]
    seen = set(stack)
    while stack:
        new = {node for node, _ in stack.pop().next_functions if isinstance(node, Node)} - seen
        seen |= new
        stack += new
    return {node.operation for node in seen}


def check(case: Case, dtype: str = "float64") -> set[Any]:
    """First and second derivatives are those of central differences along a direction, in float64;
    and in the dtype they are PyTorch's, as is the value. Returns the operations that ran."""
    mine = Derivatives(tg, case, case.arrays, "float64")
    for g, recorded in zip(mine.plain, mine.first, strict=True):
        parts = [part.detach().numpy(force=True) for part in (g, recorded)]
        size = max(float(abs(parts[0]).max(initial=0)), 1.0)
        np.testing.assert_allclose(*parts, 1e-9, 1e-9 * size, err_msg=f"plain gradient of {case}")
    floats = [a.dtype.kind == "f" for a in case.arrays]
    ways = [_waves(a.size, 0.4 + i).reshape(a.shape) for i, a in enumerate(case.arrays)]
    there, back = (
        Derivatives(tg, case, [
            a + way * step if f else a for a, way, f in zip(case.arrays, ways, floats, strict=True)
        ], "float64")
        for step in (STEP, -STEP)
    )  # fmt: skip
    ways = [way for way, f in zip(ways, floats, strict=True) if f]
    for what, gradients in (("value", mine.first), ("slope", mine.second)):
        ends = [float(getattr(side, what).detach()) for side in (there, back)]
        parts = [g.numpy(force=True) * w for g, w in zip(gradients, ways, strict=True)]
        found, size = (sum(float(f(part).sum()) for part in parts) for f in (np.asarray, np.abs))
        limit = 1e-6 * (1 + size + abs(ends[0]))
        np.testing.assert_allclose(
            found, (ends[0] - ends[1]) / (2 * STEP), 1e-5, limit, err_msg=f"of the {what} of {case}"
        )
    if HAS_TORCH:
        torch = importlib.import_module("torch")
        theirs = Derivatives(torch, case, case.arrays, dtype).all()
        ours = mine.all() if dtype == "float64" else Derivatives(tg, case, case.arrays, dtype).all()
        limit = 1e-9 if dtype == "float64" else 2e-4
        for part, (a, b) in enumerate(zip(ours, theirs, strict=False)):
            what = f"part {part} of {case}"
            assert (a.shape, a.dtype) == (b.shape, b.dtype), what
            size = max(float(abs(b).max(initial=0)), 1.0)
            np.testing.assert_allclose(a, b, limit, limit * size, err_msg=what)
    return _operations(mine.value, mine.slope, *mine.second)
