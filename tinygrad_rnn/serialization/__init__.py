"""Checkpoints: `save` and `load`."""

from .allowed import (
    add_safe_globals as add_safe_globals,
    clear_safe_globals as clear_safe_globals,
    get_safe_globals as get_safe_globals,
    safe_globals as safe_globals,
)
from .checkpoint import load as load, save as save
from .errors import CheckpointError as CheckpointError
