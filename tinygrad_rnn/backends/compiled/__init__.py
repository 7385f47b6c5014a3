"""Recurrent cells as compiled kernels; without them, and for what does not fit them, on NumPy."""

from .cells import CELLS as CELLS
