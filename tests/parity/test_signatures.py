"""Names, order and defaults of arguments: those that PyTorch's operators declare."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import tinygrad_rnn as ours

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")

pytestmark = pytest.mark.cpu("names have no device")

# What tinygrad_rnn does not have: results written elsewhere, layouts, named dimensions, ...
LEFT_OUT = {"out", "layout", "memory_format", "pin_memory", "generator", "out_dtype"}
# Second forms of a function, told apart by types: tested by calling them
OVERLOADS = {
    "arange": {"end"},
    "atleast_1d": {"self"},
    "atleast_2d": {"self"},
    "atleast_3d": {"self"},
    "bernoulli": {"p"},
    "dsplit": {"sections", "indices"},
    **{f"conv{d}d": {"padding"} for d in (1, 2, 3)},  # ints, or "same" or "valid"
    "einsum": {"path", "tensors"},
    "hsplit": {"sections", "indices"},
    "isin": {"element", "test_element"},
    "norm": {"p"},
    "randint": {"dtype", "high"},
    "randint_like": {"high"},
    "randperm": {"dtype"},
    "repeat_interleave": {"repeats"},
    "result_type": {"tensor", "other", "scalar"},
    "scatter": {"value"},
    "split": {"split_size", "split_sizes"},
    "std": {"unbiased"},
    "swapaxes": {"axis0", "axis1"},
    "swapdims": {"dim0", "dim1"},
    "tensor": {"t"},
    "tensor_split": {"sections", "indices", "tensor_indices_or_sections"},
    "tensordot": {"self", "other", "dims_self", "dims_other"},
    "tril_indices": {"dtype"},
    "triu_indices": {"dtype"},
    "var": {"unbiased"},
    "vsplit": {"sections", "indices"},
}


def _schemas(name: str) -> list[Any]:
    """What PyTorch declares under that name, of tensors and into new memory."""
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        text = str(schema)
        scalar = not any("Tensor" in str(a.type) for a in schema.arguments)
        changes = any("!" in part for part in text.partition("->")[0].split())
        if scalar or changes or "Dimname" in text or "Tensor[] a" in text or "..." in text:
            continue
        found.append(schema)
    return found


FUNCTIONS = [
    name
    for name in dir(ours)
    if callable(getattr(ours, name))
    and not isinstance(getattr(ours, name), type)
    and callable(getattr(torch, name, None))
    and _schemas(name)
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments(name):
    parameters = inspect.signature(getattr(ours, name)).parameters
    kinds = {p.kind for p in parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        pytest.skip("takes options by any name")
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    for schema in _schemas(name):
        arguments = [a for a in schema.arguments if a.name not in LEFT_OUT]
        arguments = [a for a in arguments if a.name not in OVERLOADS.get(name, ())]
        names = ["input" if a.name == "self" else a.name for a in arguments]
        if name == "split":  # PyTorch's split is written in Python
            names = ["tensor" if n == "input" else n for n in names]
        assert set(names) <= parameters.keys(), f"not all of {schema}"
        first = [n for n, a in zip(names, arguments, strict=True) if not a.kwarg_only]
        # add(x, alpha, y) and the like are deprecated
        first = [n for n in first if n != "alpha"]
        if inspect.Parameter.VAR_POSITIONAL not in kinds:
            assert [n for n in positional if n in first] == first, f"another order than {schema}"
        for own, argument in zip(names, arguments, strict=True):
            if argument.has_default_value() and argument.default_value is not None:
                default = parameters[own].default
                wanted = argument.default_value
                if own == "reduction":
                    wanted = 0  # what calls from Python get, whatever the schema says
                if isinstance(wanted, list) and isinstance(default, int):
                    default = [default] * len(wanted)  # one for all dimensions
                same = default == wanted or (not wanted and not default)
                same = same or (isinstance(default, list | tuple) and list(default) == wanted)
                assert same, f"{own}={default!r}, not {wanted!r}"
