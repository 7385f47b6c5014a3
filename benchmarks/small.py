"""What a program pays before it computes: small operations, the import, space on the disk."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from .case import Case, Update, weights

OPERATIONS = 1000
CHECKOUT = Path(__file__).resolve().parents[1] / "tinygrad_rnn"


def chain(torch: Any) -> Update:
    """A graph of products and sums of 2x2, and one backward pass through all of it."""
    x, w = (torch.from_numpy(a).requires_grad_(True) for a in weights([(2, 2)] * 2, 0.9))

    def update() -> float:
        x.grad = w.grad = None
        y = x
        for _ in range(OPERATIONS // 2):
            y = y * w + x
        loss = y.sum()
        loss.backward()
        return (loss + x.grad.sum() + w.grad.sum()).item()

    return update


def single(torch: Any) -> Update:
    """One product of 2x2 and its backward pass, again and again."""
    arrays = weights([(2, 2)] * 3, 1.0)
    x, w, gradient = (torch.from_numpy(a) for a in arrays)
    x.requires_grad_(True), w.requires_grad_(True)

    def update() -> float:
        x.grad = w.grad = None
        for _ in range(OPERATIONS):
            (x * w).backward(gradient)
        return (x.grad.sum() + w.grad.sum()).item()

    return update


def nothing(torch: Any) -> Update:
    return lambda: 0.0


def installed_megabytes(package: str) -> float:
    """The files of a package and of all that it requires, without compiled bytecode."""
    files: set[Path] = set()
    waiting, seen = [package], set()
    if package == CHECKOUT.name:  # not a copy, if it is installed at all
        files |= {path.resolve() for path in CHECKOUT.rglob("*")}
        project = tomllib.loads((CHECKOUT.parent / "pyproject.toml").read_text())["project"]
        waiting = [_name(requirement) for requirement in project["dependencies"]]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # a requirement of other platforms
            continue
        files |= {Path(str(file.locate())).resolve() for file in found.files or ()}
        required = (r for r in found.requires or () if "extra ==" not in r)
        waiting += [_name(requirement) for requirement in required]
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc") / 1e6


def _name(requirement: str) -> str:
    """numpy of "numpy>=2; python_version > '3'"."""
    end = next((i for i, c in enumerate(requirement) if c in " <>=!~;[(@"), len(requirement))
    return requirement[:end]


CASES = [
    Case("small-op", f"one of {OPERATIONS:,} operations on 2x2, forward and backward", chain, 20,
         calls=OPERATIONS, unit="operations/s"),
    Case("small-backward", "one operation on 2x2 and its own backward()", single, 20,
         calls=OPERATIONS, unit="operations/s"),
    Case("import", "import of the library in a new process", nothing, 1, unit="imports/s",
         measure="import"),
    Case("size", "installed size, with all that is required", nothing, 1, unit="MB",
         measure="size"),
]  # fmt: skip
