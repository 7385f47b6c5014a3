"""Whatever shares a name with PyTorch takes its arguments by PyTorch's names.

(The functions that PyTorch's operators declare: test_signatures.py. Modules: test_module_db.py.)
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest

import tinygrad_rnn as ours

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")

pytestmark = pytest.mark.cpu("names have no device")

SPACES = [
    "", "Tensor", "amp", "autograd", "autograd.functional", "cuda", "distributions",
    "distributions.constraints", "distributions.kl", "distributions.transforms", "func", "linalg",
    "masked",
    "nn",
    "nn.functional", "nn.init", "nn.parameter", "nn.utils", "nn.utils.parametrizations",
    "nn.utils.parametrize", "nn.utils.rnn", "optim", "optim.lr_scheduler", "random",
    "signal.windows", "special", "testing", "utils.checkpoint", "utils.data",
]  # fmt: skip
# Deliberate differences: names that are not taken.
LEFT_OUT = {
    "autograd.backward": {"grad_variables"},  # deprecated since 0.3
    "chain_matmul": {"out"},
    "compile": {"name", "recompile_limit", "isolate_recompiles", "shapes_spec"},  # no compiler
    "cuda.Event": {"external"},  # a tool of CUDA's C interface
    "cuda.graph": {"check_input_liveness", "enable_annotations"},  # debugging aids
    "nn.functional.normalize": {"out"},
    "norm": {"out"},
    "tensordot": {"out"},
}
# Deliberate differences: by another name, in the first place.
RENAMED = {"enable_grad", "autograd.enable_grad"}


def _in(library: Any, dotted: str) -> Any:
    return functools.reduce(getattr, filter(None, dotted.split(".")), library)


def _named(function: Any) -> dict[str, Any]:
    """The parameters that can be given by name; none where Python does not know them."""
    try:
        parameters = inspect.signature(function).parameters
    except (ValueError, TypeError):
        return {}
    return {n: p for n, p in parameters.items() if p.kind not in (p.POSITIONAL_ONLY,)}


def _shared(space: str) -> list[str]:
    mine, theirs = _in(ours, space), _in(torch, space)
    return [
        f"{space}.{name}".strip(".")
        for name in dir(mine)
        if not name.startswith("_")
        and callable(getattr(mine, name))
        and callable(getattr(theirs, name, None))
        and (getattr(getattr(theirs, name), "__module__", "") or "").startswith("torch")
    ]


@pytest.mark.parametrize("space", SPACES)
def test_names(space):
    lacking = {}
    for name in _shared(space):
        mine, theirs = _named(_in(ours, name)), _named(_in(torch, name))
        if any(p.kind is p.VAR_KEYWORD for p in mine.values()) or name in RENAMED:
            continue
        wanted = {
            n
            for n, p in theirs.items()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and not n.startswith("_")
        }
        missing = wanted - {"self"} - set(mine) - LEFT_OUT.get(name, set())
        if missing:
            lacking[name] = missing
    assert not lacking


def test_the_differences_are_still_there():
    for name, left_out in LEFT_OUT.items():
        assert not left_out & set(_named(_in(ours, name))), name
