"""A training step of each cell, and what happens at repeated places, small, to be run under
compute-sanitizer:

compute-sanitizer --tool racecheck python -m tests.gpu.sanitized
"""

from __future__ import annotations

import sys
from typing import Any

import cupy

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.backends.kernels import scatter

KERNELS = {
    "sequence_forward", "sequence_backward", "step_forward", "step_backward",
    *(name for names in scatter.KERNELS.values() for name in names),
}  # fmt: skip
# Groups of one block and of several, hidden sizes of four floats and not, and step by step
SHAPES = ((64, 6, torch.float32), (139, 5, torch.float32), (140, 3, torch.float32),
          (40, 3, torch.float64))  # fmt: skip


def main() -> None:
    for cell in ("RNN", "GRU", "LSTM"):
        for hidden, batch, dtype in SHAPES:
            torch.manual_seed(0)
            layer: Any = getattr(nn, cell)(8, hidden, bidirectional=True).to("cuda", dtype)
            x = torch.randn(5, batch, 8, dtype=dtype).cuda()
            y, _ = layer(x, lengths=torch.arange(batch).cuda() % 5 + 1)
            y.square().sum().backward()
    for dtype in (torch.float32, torch.float64, torch.int64):
        places, ones = torch.arange(3000).cuda() % 700, torch.ones(3000, 3, dtype=dtype).cuda()
        sums = torch.zeros(700, 3, dtype=dtype).cuda()
        sums.index_add_(0, places, ones)
        for reduce in ("prod", "amax", "amin"):
            sums.index_reduce_(0, places, ones, reduce)
        torch.use_deterministic_algorithms(True)
        sums[places] = ones
        torch.use_deterministic_algorithms(False)
    torch.cuda.synchronize()


def without_barriers() -> None:
    """Sort with a kernel that does not wait for all of its input, which is to be noticed."""
    whole = scatter.source

    def broken(name: str) -> str:
        return whole(name).replace("__syncthreads();", "")

    scatter.source = broken  # type: ignore[assignment]
    try:
        places, ones = torch.arange(3000).cuda() % 700, torch.ones(3000).cuda()
        torch.zeros(700).cuda().index_add_(0, places, ones)
        torch.cuda.synchronize()
    finally:
        scatter.source = whole
        scatter._kernel.cache_clear()


if __name__ == "__main__":
    # Each array in memory of its own: in a pool, an access behind one is within another
    cupy.cuda.set_allocator(None)
    without_barriers() if "without-barriers" in sys.argv else main()
