"""Checkpoints: `save` and `load`."""

from .checkpoint import load as load, save as save
from .errors import CheckpointError as CheckpointError
