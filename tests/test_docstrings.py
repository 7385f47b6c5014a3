"""The examples in docstrings, run: what they print is what they say."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

# The modules that users import names from.
PUBLIC = [
    "tinygrad_rnn", "autograd", "cuda", "linalg", "nn", "nn.functional", "nn.init", "nn.utils",
    "nn.utils.rnn", "optim", "random", "testing", "text",
]  # fmt: skip
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"tinygrad_rnn.{name}".replace(".tinygrad_rnn", ""))


def _documented() -> dict[str, Any]:
    """Every public function and class of ours by one of its names."""
    found: dict[int, tuple[str, Any]] = {}
    for where in PUBLIC:
        for name, value in vars(_module(where)).items():
            ours = getattr(value, "__module__", "").startswith("tinygrad_rnn")
            if not name.startswith("_") and callable(value) and ours:
                found.setdefault(id(value), (f"{where}.{name}", value))
    return dict(sorted(found.values()))


DOCUMENTED = _documented()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples(name):
    doc = DOCUMENTED[name].__doc__ or ""
    names = {"torch": torch, "nn": nn, "F": F, "optim": optim}
    test = doctest.DocTestParser().get_doctest(doc, names, name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not report, "".join(report)
