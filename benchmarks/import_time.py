"""How long `import tinygrad_rnn` takes beyond `import numpy`: medians over fresh processes.

    python benchmarks/import_time.py [PROCESSES]

Both have their bytecode on disk, as after any first import or an installation by pip.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module: str) -> float:
    """The time one import takes in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROGRAM.format(module)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    return float(done.stdout)


def main(count: int = 20) -> None:
    modules = ("numpy", "tinygrad_rnn")
    for module in modules:
        seconds(module)  # writes the bytecode
    times = [[seconds(module) for module in modules] for _ in range(count)]  # interleaved
    numpy, ours = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    print(f"numpy {numpy:.0f} ms, tinygrad_rnn {ours:.0f} ms: {ours - numpy:.0f} ms more")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
