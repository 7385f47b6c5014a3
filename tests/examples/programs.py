"""The programs of examples/ as modules, on this library and, import lines changed, on PyTorch."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))

# What a user of PyTorch would have written. Texts and batches of them are ours in both.
IMPORTS = {
    r"^import tinygrad_rnn as torch$": "import torch",
    r"^from tinygrad_rnn import text$": "from tests.examples import torch_text as text",
    r"^from tinygrad_rnn import (.*), text$": (
        r"from torch import \1; from tests.examples import torch_text as text"
    ),
    r"^from tinygrad_rnn import ": "from torch import ",
    r"^from tinygrad_rnn\.(nn|utils\.data) import ": r"from torch.\1 import ",
}


def load(name: str, folder: Path = EXAMPLES) -> ModuleType:
    """A program, imported anew, and with it those it imports, from this folder alone."""
    for other in NAMES:
        sys.modules.pop(other, None)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for other in NAMES:
            sys.modules.pop(other, None)


def write_for_torch(folder: Path, changes: dict[str, str] | None = None) -> None:
    """Copy all programs, with PyTorch's import lines, and what lies beside them; `changes` are
    lines that have another form there, each of them found once."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    left = dict(changes or {})
    for name in NAMES:
        program = folder / f"{name}.py"
        source = program.read_text(encoding="utf-8")
        for pattern, line in IMPORTS.items():
            source = re.sub(pattern, line, source, flags=re.MULTILINE)
        for old in [old for old in left if old in source]:
            source = source.replace(old, left.pop(old))
        program.write_text(source, encoding="utf-8")
    assert not left, f"no program has {list(left)}"
