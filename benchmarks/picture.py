"""The ratios of all cases in one picture, and how cost grows in another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from .layers import AXES
from .report import Row

PEERS = {
    "torch": ("PyTorch", "tab:red"),
    "torch+graph": ("PyTorch, CUDA graph", "darkred"),
    "torch+tf32": ("PyTorch, TF32", "tab:orange"),
    "torch+graph+tf32": ("PyTorch, CUDA graph, TF32", "saddlebrown"),
    "tinygrad_rnn+eager": ("this library, step by step", "tab:green"),
    "jax": ("JAX", "tab:blue"),
    "jax+tf32": ("JAX, TF32", "tab:cyan"),
    "numpy": ("NumPy", "0.4"),
}


def draw_ratios(rows: Sequence[Row], path: Path) -> None:
    """A line for each case, a point for each peer, with the range over the rounds (hollow: with
    NumPy's kernels); on the right of 1 this library is the faster one. Rows whose losses differ
    have no ratio."""
    rows = [row for row in rows if row.losses_agree]
    names = list(dict.fromkeys(row.case.name for row in rows))
    figure = Figure(figsize=(7, 1.5 + 0.25 * len(names)), layout="constrained")
    axes = figure.subplots()
    for peer, kernels in dict.fromkeys((row.peer, row.kernels) for row in rows):
        mine = [row for row in rows if (row.peer, row.kernels) == (peer, kernels)]
        ranges = [row.ratio_range for row in mine]
        errors = [
            [max(row.ratio - low, 0) for row, (low, _) in zip(mine, ranges, strict=True)],
            [max(high - row.ratio, 0) for row, (_, high) in zip(mine, ranges, strict=True)],
        ]
        label, color = PEERS[peer]
        axes.errorbar(
            [row.ratio for row in mine], [names.index(row.case.name) for row in mine],
            xerr=errors, fmt="o", color=color, label=label + mine[0].with_numpy, markersize=4,
            capsize=2, markerfacecolor="white" if mine[0].with_numpy else color,
        )  # fmt: skip
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as the peer (size: times as small)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(True, axis="x", alpha=0.3)
    if rows:
        axes.legend()
    figure.savefig(path, dpi=150)


def draw_growth(rows: Sequence[Row], path: Path) -> None:
    """Milliseconds of an update against hidden size, steps and batch, a line for each layer and
    library."""
    rows = [row for row in rows if row.losses_agree]
    shown = [axis for axis in AXES if any(f"-{axis}-" in row.case.name for row in rows)]
    figure = Figure(figsize=(4 * max(len(shown), 1), 4), layout="constrained")
    panels = figure.subplots(1, max(len(shown), 1), sharey=True, squeeze=False)[0]
    colors = {"RNN": "tab:green", "GRU": "tab:orange", "LSTM": "tab:purple"}
    labels = {"H": "hidden size", "T": "steps", "B": "batch"}
    for panel, axis in zip(panels, shown, strict=False):
        lines: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        for row in rows:
            _, mode, name, value = row.case.name.split("-")
            if name == axis:
                for library, results in (("ours", row.ours), (row.peer, row.theirs)):
                    cost = 1000 / row.shown(results)
                    lines[mode.upper(), library].append((int(value), cost))
        for (mode, library), points in lines.items():
            label = mode if library == "ours" else f"{mode}, {PEERS[library][0]}"
            style: Any = {"ours": "-", "torch": "--", "jax": ":", "numpy": "-."}[library]
            xs, ys = zip(*sorted(set(points)), strict=True)
            panel.loglog(xs, ys, style, color=colors[mode], label=label, marker=".")
        panel.set_xlabel(labels[axis])
        panel.grid(True, which="both", alpha=0.3)
    panels[0].set_ylabel("milliseconds of an update")
    if rows:
        panels[0].legend()
    figure.savefig(path, dpi=150)
