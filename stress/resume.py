"""Training killed with kill -9 at random moments, and resumed: it ends as if never stopped.

The main program trains a small model, and saves after each epoch. It is killed as it starts, as it
trains, and (about every second time) while a checkpoint is being written; then the same command
with --resume goes on. Weights, optimiser, metrics, states of chance: all is to be equal in the end.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tinygrad_rnn as torch

from .figures import figure, progress

SUBJECT = "resume"
ROOT = Path(__file__).parents[1]
COMMAND = [
    sys.executable, str(ROOT / "examples" / "char_rnn.py"), "--text", "sample",
    "--max-tokens", "1500", "--batch-size", "8", "--num-steps", "10", "--no-progress",
    "--checkpoint-every", "1",
]  # fmt: skip
KINDS = (
    ("--hidden-size", "64"),
    ("--hidden-size", "32", "--cell", "lstm", "--optimizer", "adam", "--sampling", "random",
     "--warmup", "900"),
    ("--hidden-size", "48", "--cell", "gru", "--num-layers", "2"),
)  # fmt: skip
COMING = "checkpoint.coming."  # in the names of files that are being written
LONGEST = 0.5  # seconds between the beginning of training and a kill


def begin(options: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*COMMAND, *options], env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def coming(out: Path) -> bool:
    """Whether a checkpoint is only half there."""
    return out.exists() and any(COMING in name for name in os.listdir(out))


def wait(process: subprocess.Popen[str], out: Path, chance: random.Random) -> None:
    """Until the moment to kill it."""
    kind = chance.random()
    if kind < 0.1:  # while it starts
        time.sleep(chance.uniform(0, 0.5))
        return
    assert process.stdout is not None
    process.stdout.readline()  # it has started
    time.sleep(chance.uniform(0, LONGEST))
    if kind < 0.6:  # in the middle of a checkpoint
        while process.poll() is None and not coming(out):
            pass
        time.sleep(chance.choice((0, chance.uniform(0, 0.004))))


def ending(out: Path) -> dict[str, Any]:
    """What a run has come to, but for the times that it took."""
    state: dict[str, Any] = torch.load(out / "checkpoint.safetensors")
    for record in state["history"]:
        del record["tokens_per_second"]
    del state["seconds"]
    return state


def difference(one: Any, two: Any, place: str = "") -> str | None:
    """Where two endings differ, None if nowhere."""
    if isinstance(one, torch.Tensor) and isinstance(two, torch.Tensor):
        return None if one.dtype == two.dtype and torch.equal(one, two) else place
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        pairs = ((key, one[key], two[key]) for key in one)
    elif isinstance(one, list | tuple) and type(one) is type(two) and len(one) == len(two):
        pairs = ((key, *pair) for key, pair in enumerate(zip(one, two, strict=True)))
    else:
        return None if type(one) is type(two) and one == two else place
    found = (difference(a, b, f"{place}/{key}") for key, a, b in pairs)
    return next((where for where in found if where is not None), None)


def finish(options: list[str]) -> None:
    process = begin(options)
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{options} ended with {process.returncode}: {errors}")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress resume", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--epochs", type=int, default=150, help="of each run (default: 150)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    args = parser.parse_args(argv)
    chance = random.Random(args.seed)
    killed = writing = older = 0
    different: list[str] = []
    runs = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in itertools.count():
            if killed >= args.kills:
                break
            epochs, kind = ["--epochs", str(args.epochs)], list(KINDS[number % len(KINDS)])
            straight, out = Path(folder, f"straight{number}"), Path(folder, f"killed{number}")
            finish([*kind, *epochs, "--seed", str(number), "--out", str(straight)])
            options = [*kind, *epochs, "--seed", str(number), "--out", str(out), "--resume"]
            for _ in range(-(-args.kills // len(KINDS))):
                process = begin(options)
                wait(process, out, chance)
                process.kill()
                _, errors = process.communicate()
                if process.returncode >= 0:  # it was done already
                    break
                killed += 1
                writing += coming(out)
                older += "Taking the one before" in errors
                progress(f"{killed} of {args.kills} kills, {writing} in the middle of a checkpoint")
            finish(options)
            runs += 1
            where = difference(ending(straight), ending(out))
            if where is not None:
                different.append(f"run {number}: {where}")
            left = {path.name for path in out.iterdir()} - {
                path.name for path in straight.iterdir()
            }
            if left:
                different.append(f"run {number} left {sorted(left)}")
    odd = f"of {runs} runs, those that ended otherwise than without kills"
    kept = [
        figure(SUBJECT, "kills", killed, f"at least {args.kills}", killed >= args.kills),
        figure(SUBJECT, "kills in the middle of a checkpoint", writing, "at least 1", writing > 0),
        figure(SUBJECT, "runs that had to take the older checkpoint", older, 0, older == 0),
        figure(SUBJECT, odd, "; ".join(different) or 0, 0, not different),
    ]
    return 0 if all(kept) else 1
