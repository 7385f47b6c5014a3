"""PyTorch's file of `Variable`, the old name of tensors in the graph."""

from .graph import Variable as Variable
