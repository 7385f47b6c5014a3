"""What is said of files that can't be loaded, and of objects that can't be saved."""

from __future__ import annotations

import pickle
from typing import Any

from ..backends import is_host


class CheckpointError(RuntimeError, pickle.UnpicklingError):
    """A file is no checkpoint, is damaged, or holds what is not loaded: the message names the file.

    It is a RuntimeError and an UnpicklingError, the two kinds that PyTorch raises.

    >>> import io
    >>> try: torch.load(io.BytesIO(b"no checkpoint"))
    ... except torch.serialization.CheckpointError as error: print(str(error)[:39])
    can't load the BytesIO: it is neither a
    """


class Damaged(Exception):
    """What is wrong with a file; `load` adds the file's name."""


def newer(version: int, known: int) -> Damaged:
    """The error for a file of a version that is still to come here."""
    return Damaged(
        f"its layout is of version {version}, and this tinygrad_rnn reads up to version {known}: "
        "install a newer one"
    )


class NotData(TypeError):
    """An object that is more than data: tensors, numbers, strings, and containers of them."""


def cannot_save(value: Any, place: str) -> NotData:
    """The error for a value that files do not hold; `place` is Python's way to it."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    hint = ""
    if hasattr(value, "state_dict"):
        hint = f"; save {place}.state_dict() instead"
    elif is_host(value):
        hint = f"; save torch.from_numpy({place}) instead"
    return NotData(
        f"save(): expected {place} to be a tensor, number, string, bool, None, or a dict, list or "
        f"tuple of them, got {kind}{hint}"
    )
