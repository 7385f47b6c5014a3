"""Random gradient checks of all operations and layers, against differences and PyTorch."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from tinygrad_rnn.autograd.operation import Operation
from tinygrad_rnn.autograd.primitive import REGISTERED
from tinygrad_rnn.ops import conversion

from .figures import figure, progress

# They lose digits that differences need
CONVERSIONS = (conversion._to_copy.operation.forward, conversion._to_device.operation.forward)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress gradients", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="calls of each family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the families' names")
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    checks = importlib.import_module("tests.autograd.checks")
    failed, start, met = False, time.perf_counter(), set[Operation]()
    for family, cases in checks.FAMILIES.items():
        if args.only in family:
            failed |= not _all_right(family, cases(), checks.check, args.count, args.seed, met)
    if not args.only:
        failed |= not _all_met(met)
    print(f"{time.perf_counter() - start:.0f} s")
    return int(failed)


def _all_met(met: set[Operation]) -> bool:
    """Whether the calls led to every operation that has gradients."""
    every = {op for op in REGISTERED if op.differentiable and op.forward not in CONVERSIONS}
    names = sorted(f"{op.forward.__module__}.{op.name}" for op in every - met)
    print("".join(f"no call of {name}\n" for name in names), end="")
    value = f"{len(every & met)} of {len(every)}"
    return figure("gradients", "operations met", value, "all", not names)


def _all_right(
    family: str, cases: Any, check: Any, count: int, number: int, met: set[Operation]
) -> bool:
    """Check so many cases of a family; print its line, and the smallest case that is wrong. Which
    operations they led to is added to `met`."""
    done = 0

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(cases, st.sampled_from(["float64", "float64", "float32"]))
    def run(case: Any, dtype: str) -> None:
        nonlocal done
        done += 1
        progress(f"{family}: {done}")
        met.update(check(case, dtype))

    try:
        run()
    except Exception as error:
        print(f"{family}: {error!r}\n" + "\n".join(getattr(error, "__notes__", [])))
        return figure("gradients", family, f"wrong, call {done}", "all right", False)
    return figure("gradients", family, f"{done} calls", "all right", True)
