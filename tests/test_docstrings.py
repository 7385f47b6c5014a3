"""The examples in docstrings, run: what they print is what they say."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.nn import functional as F

# The modules that users import names from.
PUBLIC = [
    "tinygrad_rnn", "accelerator", "amp", "autograd", "autograd.functional",
    "backends.cuda", "backends.cudnn", "backends.mps", "cuda", "cuda.amp", "jit", "linalg",
    "nn", "nn.functional", "nn.init",
    "nn.utils", "nn.utils.parametrizations", "nn.utils.parametrize", "nn.utils.rnn", "optim",
    "optim.lr_scheduler", "optim.swa_utils", "random", "serialization",
    "signal.windows", "special", "testing", "text",
    "utils", "utils.checkpoint", "utils.data", "utils.interchange",
]  # fmt: skip
# What those modules import for their own use, and users have no use for.
INNER = {
    "Kept", "Leaf", "Mode", "Primitive", "Products", "Record", "Variable", "View", "as_matrix",
    "creates", "cuda_device_count", "current_edge", "is_host", "like", "named", "new",
    "norm_except_dim", "one_each", "output_dim", "pack_like", "padded", "primitive", "sizes",
    "with_out",
}  # fmt: skip
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


def test_all_have_an_example():
    assert [
        name
        for name, value in DOCUMENTED.items()
        if ">>> " not in (value.__doc__ or "") and value.__name__ not in INNER
    ] == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples(name):
    doc = DOCUMENTED[name].__doc__ or ""
    names = {"torch": torch, "nn": nn, "F": F, "optim": optim, "text": text}
    test = doctest.DocTestParser().get_doctest(doc, names, name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not report, "".join(report)
