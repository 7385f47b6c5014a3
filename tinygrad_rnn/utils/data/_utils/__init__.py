"""PyTorch's path to what makes batches."""

from . import collate as collate
