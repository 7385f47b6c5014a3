"""What lets a long run survive: checkpoints in a folder, the states of chance, a clean stop."""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import random
import signal
import sys
from array import array
from collections.abc import Container
from pathlib import Path
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn import text
from tinygrad_rnn.files import move, remove_leftovers
from tinygrad_rnn.serialization import CheckpointError

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Checkpoints:
    """The last two checkpoints of a run, in a folder. Whatever happens while one is written, those
    before it stay whole."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.newest = self.folder / "checkpoint.safetensors"
        self.previous = self.folder / "checkpoint.previous.safetensors"
        self._coming = self.folder / "checkpoint.coming.safetensors"
        self._damaged = False  # whether the newest is, and not worth keeping

    def open_folder(self, *others: Path) -> None:
        """Make the folder, and remove what a killed run has left half written, of `others` too.
        Raises OSError if nothing can be written there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(errno.EACCES, "can't write into this folder", str(self.folder))
        self._coming.unlink(missing_ok=True)
        for path in (self._coming, self.previous, *others):
            remove_leftovers(path)

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint. Raises RuntimeError, which says why, if it can't be written."""
        try:
            torch.save(state, self._coming)
            move(self._coming, self.newest, old=None if self._damaged else self.previous)
            self._damaged = False
        except OSError as error:
            left = f"{self.newest} is as it was" if self.newest.exists() else "there is none before"
            raise RuntimeError(f"can't write the checkpoint: {error}; {left}") from error

    def load(self) -> dict[str, Any] | None:
        """The newest checkpoint or, saying so, the one before it if that one is damaged; on the
        CPU. None if there is none at all; raises CheckpointError if none is whole."""
        damage: list[str] = []
        for path in (self.newest, self.previous):
            try:
                state: dict[str, Any] = torch.load(path, map_location="cpu")
            except FileNotFoundError:
                continue
            except CheckpointError as error:
                damage.append(str(error))
                continue
            if path != self.newest:
                self._damaged = True
                why = "; ".join(damage) or f"{self.newest} is not there"
                print(f"{why}. Taking the one before it, {path}", file=sys.stderr)
            return state
        if damage:
            raise CheckpointError("; ".join(damage))
        return None


def check_options(
    given: argparse.Namespace, begun: dict[str, Any], may_change: Container[str]
) -> None:
    """Raise ValueError if an option is another than that of the run that was begun."""
    for name, value in begun.items():
        if name not in may_change and getattr(given, name) != value:
            raise ValueError(
                f"--{name.replace('_', '-')}: the run was begun with {value}, and --resume can't "
                f"change it; got {getattr(given, name)}"
            )


def fingerprint(corpus: list[int], vocab: text.Vocab) -> str:
    """Equal for equal texts alone."""
    return hashlib.sha256("".join(vocab).encode() + array("q", corpus).tobytes()).hexdigest()


def chance() -> dict[str, Any]:
    """The states of all that draws random numbers."""
    return {
        "python": random.getstate(),
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def set_chance(states: dict[str, Any]) -> None:
    """Draw from now on what was to be drawn when `chance()` returned these states."""
    random.setstate(states["python"])
    torch.set_rng_state(states["cpu"])
    torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])


class Stop:
    """In this block Ctrl-C and SIGTERM only ask to stop; a second one ends the process at once.

    Attributes:
        asked: whether one has come.
        name: which it was, "Ctrl-C" or "SIGTERM".
        status: the exit status that says so, 130 or 143; 0 if none has come.
    """

    asked = False
    name = ""
    status = 0

    def __enter__(self) -> Stop:
        self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked, self.name, self.status = True, SIGNALS[signal.Signals(number)], 128 + number
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
