"""Runs one case on one library in a process of its own, and prints what it measured as JSON."""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any


def peak_megabytes() -> float:
    """The most memory that this process has held. getrusage counts what the parent held before
    this process was started as well, so Linux is asked for the process itself."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def product_rate() -> float:
    """Multiplications and additions in a second of a large float32 product by BLAS, at its best:
    what the machine can do."""
    numpy = importlib.import_module("numpy")
    side, fastest = 2048, math.inf
    a = numpy.full((side, side), 0.5, numpy.float32)
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * side**3 / fastest


def measure(name: str, library: str, quick: bool, threads: int) -> dict[str, Any]:
    """Cost of one call (seconds, or megabytes), loss of the last update, peak memory beyond the
    import, and of a layer the share of the machine's `product_rate` that its products reach."""
    start = time.perf_counter()
    imported = importlib.import_module(library)
    import_seconds = time.perf_counter() - start
    baseline = peak_megabytes()
    # only now, as they need NumPy, whose import is part of a library's
    cases = importlib.import_module("benchmarks.cases")
    warmup = importlib.import_module("benchmarks.case").WARMUP
    case = (cases.CASES | cases.GROWTH)[name]
    result = {"version": imported.__version__, "updates": 0, "loss": 0.0}
    if case.measure == "import":
        return result | {"cost": import_seconds, "peak": baseline}
    if case.measure == "size":
        small = importlib.import_module("benchmarks.small")
        return result | {"cost": small.installed_megabytes(library), "peak": 0.0}

    if library == "torch":
        imported.set_num_threads(threads)
    if library in ("jax", "numpy"):
        update = importlib.import_module(f"benchmarks.with_{library}").program(case.sizes)
    else:
        update = case.program(imported)
    for _ in range(warmup):
        update()
    seconds = []
    count = case.counted(quick)
    for _ in range(count):
        start = time.perf_counter()
        loss = update()
        seconds.append(time.perf_counter() - start)
    cost = statistics.median(seconds) / case.calls
    result |= {
        "cost": cost,
        "loss": loss,
        "peak": peak_megabytes() - baseline,
        "updates": count + warmup,
    }
    if case.sizes is not None:
        result["of_machine"] = case.sizes.operations / cost / product_rate()
    return result


if __name__ == "__main__":
    _, name, library, quick, threads = sys.argv
    # Python's own streams: what a library prints must not get between the JSON
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(measure(name, library, quick == "quick", int(threads))), file=out)
    sys.exit(os.EX_OK)
