"""A training step of each cell and sums at repeated places, small, to be run under
compute-sanitizer:

compute-sanitizer --tool racecheck python -m tests.gpu.sanitized
"""

from __future__ import annotations

import tinygrad_rnn as torch
from tinygrad_rnn import nn


def main() -> None:
    for cell in ("RNN", "GRU", "LSTM"):
        for hidden, batch, dtype in ((64, 6, torch.float32), (40, 3, torch.float64)):
            torch.manual_seed(0)
            layer = getattr(nn, cell)(8, hidden, bidirectional=True).to("cuda", dtype)
            x = torch.randn(5, batch, 8, dtype=dtype).cuda()
            y, _ = layer(x, lengths=torch.arange(batch).cuda() % 5 + 1)
            y.square().sum().backward()
    for dtype in (torch.float32, torch.float64, torch.int64):
        places = torch.arange(3000).cuda() % 700
        sums = torch.zeros(700, 3, dtype=dtype).cuda()
        sums.index_add_(0, places, torch.ones(3000, 3, dtype=dtype).cuda())
        torch.use_deterministic_algorithms(True)
        sums[places] = torch.ones(3000, 3, dtype=dtype).cuda()
        torch.use_deterministic_algorithms(False)
    torch.cuda.synchronize()


if __name__ == "__main__":
    main()
