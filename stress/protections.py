"""Every promise is watched: with its protection taken away, a test fails."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .figures import figure, progress
from .protected import PROTECTIONS, Protection

ROOT = Path(__file__).parents[1]
PARTS = ("tinygrad_rnn", "tests", "examples", "stress", ".ci", "pyproject.toml", "README.md")
PATIENCE = 300  # seconds, for the tests of one protection


def copied(folder: Path) -> Path:
    """A copy of all that tests need."""
    nothing = shutil.ignore_patterns("__pycache__", ".*")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=nothing)
        else:
            shutil.copy2(ROOT / name, folder)
    return folder


def taken_away(protection: Protection, source: str) -> str:
    """The source without it. Raises LookupError unless its code is there just once."""
    count = source.count(protection.code)
    if count != 1:
        raise LookupError(f"{protection.file} has {count} times: {protection.code}")
    return source.replace(protection.code, protection.instead)


def outcome(folder: Path, tests: Sequence[str]) -> str:
    """What becomes of tests (pytest's arguments) in the copy: "pass", "fail", "hang", or else
    what pytest said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return "hang"
    return {0: "pass", 1: "fail"}.get(done.returncode, (done.stdout + done.stderr)[-500:])


def without(protection: Protection, folder: Path) -> str:
    """What becomes of the tests that watch a protection when the copy lacks it."""
    path = folder / protection.file
    source = path.read_text(encoding="utf-8")
    path.write_text(taken_away(protection, source), encoding="utf-8")
    try:
        return outcome(folder, protection.tests.split())
    finally:
        path.write_text(source, encoding="utf-8")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress protections", description=__doc__)
    parser.add_argument("--only", default="", help="part of what is protected, or of the file")
    args = parser.parse_args(argv)
    chosen = [p for p in PROTECTIONS if args.only in p.what or args.only in p.file]
    watched, start = 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        tests = dict.fromkeys(p.tests for p in chosen)
        for number, wanted in enumerate(tests):
            progress(f"with all protections: tests {number + 1} of {len(tests)}")
            found = outcome(folder, wanted.split())
            if found != "pass":
                print(f"with all protections, {wanted}: {found}")
                return 1
        for number, protection in enumerate(chosen):
            progress(f"{number} taken away, {watched} noticed: {protection.what}")
            try:
                found = without(protection, folder)
            except LookupError as error:
                found = str(error)
            watched += found == "fail"
            if found != "fail":
                print(f"{protection.what} ({protection.file}): {found}", flush=True)
    print(f"{len(chosen)} protections in {time.perf_counter() - start:.0f} s")
    kept = watched == len(chosen)
    figure("protections", "noticed when gone", f"{watched} of {len(chosen)}", "all", kept)
    return 0 if kept else 1
