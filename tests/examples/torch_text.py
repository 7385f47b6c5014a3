"""tinygrad_rnn.text, but batches are PyTorch's tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tinygrad_rnn import text
from tinygrad_rnn.text import *  # noqa: F403


class SequenceLoader(text.SequenceLoader):
    def __iter__(self) -> Iterator[Any]:
        for batch in super().__iter__():
            yield tuple(torch.from_numpy(part.numpy()) for part in batch)
