"""PyTorch's file of the handle that every register_hook returns."""

from ..autograd.graph import RemovableHandle as RemovableHandle
