"""What was measured of a case on two libraries, as a row of the table and as JSON."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .case import Case

Result = dict[str, Any]
"""What a worker prints: version, cost, loss, peak, updates; of layers, of_machine."""

HEAD = (
    f"{'case':<20}{'peer':<19}{'ours':>10}{'theirs':>10} {'':<13}{'ratio':>6} {'range':<12}"
    f"{'MB ours':>9}{'theirs':>8}{'% ours':>8}{'theirs':>8}  loss after updates"
)


@dataclass(frozen=True)
class Row:
    """One case on this library, with these kernels, and on a peer: a result of each for every
    round."""

    case: Case
    peer: str
    ours: list[Result]
    theirs: list[Result]
    kernels: str = "auto"

    @property
    def with_numpy(self) -> str:
        """What tells rows of NumPy's kernels from others."""
        return ", with NumPy" if self.kernels == "numpy" else ""

    @property
    def ratio(self) -> float:
        """Of the medians: above 1 this library is the faster (or smaller) one."""
        return _median(self.theirs, "cost") / _median(self.ours, "cost")

    @property
    def ratio_range(self) -> tuple[float, float]:
        """The least and the greatest ratio of a round."""
        ratios = [b["cost"] / a["cost"] for a, b in zip(self.ours, self.theirs, strict=True)]
        return min(ratios), max(ratios)

    @property
    def losses_agree(self) -> bool:
        """Whether both computed the same, up to the case's tolerance; a nan agrees with nothing."""
        return all(
            abs(a["loss"] - b["loss"]) <= self.case.tolerance * abs(b["loss"])
            for a, b in zip(self.ours, self.theirs, strict=True)
        )

    def shown(self, results: list[Result]) -> float:
        """The median as the case's unit counts it."""
        cost = _median(results, "cost")
        return 1 / cost if self.case.unit.endswith("/s") else cost

    def line(self) -> str:
        low, high = self.ratio_range
        peer, ours, theirs = (
            self.peer + self.with_numpy,
            self.shown(self.ours),
            self.shown(self.theirs),
        )
        cells = (
            f"{self.case.name:<20}{peer:<19}{_short(ours):>10}{_short(theirs):>10} "
            f"{self.case.unit:<13}{self.ratio:>5.2f}x "
            f"{f'{low:.2f}-{high:.2f}':<12}{_median(self.ours, 'peak'):>9.0f}"
            f"{_median(self.theirs, 'peak'):>8.0f}"
            f"{_percent(self.ours):>8}{_percent(self.theirs):>8}"
        )
        if self.case.measure != "updates":
            return cells
        last = [results[-1]["loss"] for results in (self.ours, self.theirs)]
        loss = f"{last[0]:.5g} / {last[1]:.5g} after {self.ours[0]['updates']}"
        if not self.losses_agree:
            loss += f": THE LOSSES DIFFER by more than {self.case.tolerance:g}, no ratio"
        return f"{cells}  {loss}"

    def json(self) -> dict[str, Any]:
        low, high = self.ratio_range
        return {
            "case": self.case.name,
            "about": self.case.about,
            "peer": self.peer,
            "kernels": self.kernels,
            "unit": self.case.unit,
            "ours": _summary(self, self.ours),
            "theirs": _summary(self, self.theirs),
            "ratio": self.ratio if self.losses_agree else None,
            "ratio_range": [low, high] if self.losses_agree else None,
            "losses_agree": self.losses_agree,
            "tolerance": self.case.tolerance,
        }


def _median(results: list[Result], key: str) -> float:
    return statistics.median(result[key] for result in results)


def _of_machine(results: list[Result]) -> float | None:
    """The share of the machine's rate of products; None where it was not measured."""
    return _median(results, "of_machine") if "of_machine" in results[0] else None


def _percent(results: list[Result]) -> str:
    share = _of_machine(results)
    return "" if share is None else f"{100 * share:.0f}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _summary(row: Row, results: list[Result]) -> dict[str, Any]:
    return {
        "value": row.shown(results),
        "costs": [result["cost"] for result in results],
        "peak_megabytes": _median(results, "peak"),
        "of_machine": _of_machine(results),
        "version": results[0]["version"],
        "losses": [result["loss"] for result in results],
        "updates": results[0]["updates"],
    }


def machine() -> dict[str, Any]:
    """Where it was measured."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
