"""What the kernels are compared with: a loop over the steps in float64, in ordinary operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cupy
import numpy as np

import tinygrad_rnn as torch
from tinygrad_rnn.backends import Way, Weights, backend_for, device

CELLS = backend_for(device("cuda")).fused_cells
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


class Case(NamedTuple):
    """A layer and its input. counts: of the sequences that run at each step."""

    mode: str
    hidden: int
    counts: Sequence[int]
    inputs: int = 3
    reverse: bool = False
    bias: bool = True
    proj: int = 0
    gy: bool = True  # whether the outputs have a gradient
    last: bool = True  # whether the last states have one

    @property
    def batch(self) -> int:
        return max(self.counts)

    def arrays(self) -> dict[str, np.ndarray]:
        """Random arguments of forward and backward."""
        random = np.random.default_rng(self.hidden)
        rows, out = GATES[self.mode] * self.hidden, self.proj or self.hidden
        shapes = {
            "x": (len(self.counts), self.batch, self.inputs), "h": (self.batch, out),
            "c": (self.batch, self.hidden), "ih": (rows, self.inputs), "hh": (rows, out),
            "bias_ih": (rows,), "bias_hh": (rows,), "hr": (self.proj, self.hidden),
            "gy": (len(self.counts), self.batch, out), "g_h": (self.batch, out),
            "g_c": (self.batch, self.hidden),
        }  # fmt: skip
        absent = {"c", "g_c"} if self.mode != "LSTM" else set()
        absent |= set() if self.bias else {"bias_ih", "bias_hh"}
        absent |= (set() if self.proj else {"hr"}) | (set() if self.gy else {"gy"})
        absent |= set() if self.last else {"g_h", "g_c"}
        scale = {"hh": out**-0.5, "hr": self.hidden**-0.5}
        return {
            name: (random.standard_normal(shape) * scale.get(name, 1)).astype("float32")
            for name, shape in shapes.items()
            if name not in absent
        }


def on_gpu(case: Case, dtype: str = "float32") -> dict[str, np.ndarray]:
    """Outputs, last states and all gradients, of the kernels."""
    a = {name: cupy.array(array.astype(dtype)) for name, array in case.arrays().items()}
    weights = Weights(*[a.get(name) for name in ("ih", "hh", "bias_ih", "bias_hh", "hr")])
    way = Way(tuple(case.counts), case.batch, case.reverse)
    state = tuple(a[name] for name in ("h", "c") if name in a)
    for t, n in enumerate(case.counts):
        a["x"][t, n:] = np.nan  # padding is not read
    cell = CELLS[case.mode]
    y, last, kept = cell.forward(a["x"], state, weights, way, True)
    g_last = tuple(a.get(name) for name in ("g_h", "g_c")[: len(state)])
    gx, first, of_weights = cell.backward(a.get("gy"), g_last, kept, weights, way, True)
    names = ("y", *"hc"[: len(state)], "gx", *("gh", "gc")[: len(state)], *Weights._fields)
    values = (y, *last, gx, *first, *of_weights)
    results = dict(zip(names, values, strict=True))
    return {name: array.get() for name, array in results.items() if array is not None}


def in_a_loop(case: Case) -> dict[str, np.ndarray]:
    """The same, from the equations."""
    given = {name: torch.tensor(array).double() for name, array in case.arrays().items()}
    leaves = ("x", "h", "c", "ih", "hh", "bias_ih", "bias_hh", "hr")
    a: dict[str, Any] = {k: given[k].requires_grad_() for k in leaves if k in given}
    h, c = a["h"], a.get("c")
    y = [None] * len(case.counts)
    order = range(len(case.counts))
    for t in reversed(order) if case.reverse else order:
        n = case.counts[t]
        before = [h[:n], None if c is None else c[:n]]
        new = _step(case.mode, a, a["x"][t, :n], *before)
        y[t] = torch.cat([new[0], torch.zeros(case.batch - n, new[0].shape[1]).double()])
        h = torch.cat([new[0], h[n:]])
        c = None if c is None else torch.cat([new[1], c[n:]])
    results = {"y": torch.stack(y), "h": h, "c": c}
    results = {name: result for name, result in results.items() if result is not None}
    total = sum(
        (results[name] * given[g]).sum()
        for name, g in (("y", "gy"), ("h", "g_h"), ("c", "g_c"))
        if g in given
    )
    total.backward()
    named = {"x": "gx", "h": "gh", "c": "gc"}
    gradients = {named.get(name, name): leaf.grad for name, leaf in a.items()}
    return {k: v.detach().numpy() for k, v in (results | gradients).items()}


def _step(mode: str, a: dict[str, Any], x: Any, h: Any, c: Any) -> tuple[Any, ...]:
    of_x = x @ a["ih"].T + a.get("bias_ih", 0)
    of_h = h @ a["hh"].T + a.get("bias_hh", 0)
    if mode == "RNN_TANH":
        return (torch.tanh(of_x + of_h),)
    if mode == "RNN_RELU":
        return (torch.relu(of_x + of_h),)
    if mode == "GRU":
        (r, z, n), (h_r, h_z, h_n) = of_x.chunk(3, 1), of_h.chunk(3, 1)
        r, z = torch.sigmoid(r + h_r), torch.sigmoid(z + h_z)
        n = torch.tanh(n + r * h_n)
        return ((1 - z) * n + z * h,)
    i, f, g, o = (of_x + of_h).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return (h if "hr" not in a else h @ a["hr"].T), c


def differences(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> dict[str, float]:
    """The norm of each difference, relative to what is wanted."""
    assert found.keys() == wanted.keys()
    result = {}
    for name, array in wanted.items():
        assert found[name].shape == array.shape
        length = np.linalg.norm(array)
        result[name] = float(np.linalg.norm(found[name] - array) / (length or 1))
    return result
