"""PyTorch's own samples with inputs of two dtypes: the result has PyTorch's dtypes, or both refuse
the inputs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from .op_samples import OPERATORS, function, ours, samples, torch

KINDS = ("float16", "float32", "int64", "bool")
# What is there although PyTorch has no kernel for it
MORE = {
    "cdist", "ldexp", "multi_margin_loss", "multilabel_margin_loss", "linear", "ormqr", "zeta",
    "bucketize", "gaussian_nll_loss", "poisson_nll_loss",
}  # fmt: skip
POLYNOMIALS = ("chebyshev", "hermite", "laguerre", "legendre")
# What is refused although PyTorch computes it
LESS = {
    "lu_unpack": "matrices of float16",
    "linear_cross_entropy": "there are no options for computing in parts",
    "bilinear": "sums of bools",
    "mm": "sums of bools",
    "tensordot": "sums of bools",
    "solve_triangular": "equations of two dtypes",
    "embedding_bag": "bools that number rows",
    "masked.logaddexp": "the largest of bools",
    "triplet_margin_with_distance_loss": "op_db gives PyTorch's distance",
}


def _ours(value: Any) -> Any:
    """A sample's value for tinygrad_rnn."""
    if isinstance(value, torch.Tensor):
        return ours.tensor(np.asarray(value.detach()))
    if isinstance(value, torch.dtype):
        return getattr(ours, str(value).removeprefix("torch."))
    if isinstance(value, list | tuple):
        return type(value)(map(_ours, value))
    return value


def _form(value: Any) -> Any:
    if hasattr(value, "dtype"):
        return str(value.dtype), tuple(value.shape)
    return list(map(_form, value)) if isinstance(value, list | tuple) else type(value).__name__


def _outcome(call: Any, args: Any, kwargs: Any) -> Any:
    """The dtypes and shapes of the result; "refused" if there is none."""
    try:
        return _form(call(*args, **kwargs))
    except (TypeError, ValueError, RuntimeError, IndexError, NotImplementedError):
        return "refused"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OPERATORS)
def test_two_dtypes(name):
    op, call = OPERATORS[name], function(OPERATORS[name])
    plain, less = name.partition(":")[0], None
    for known, reason in LESS.items():
        less = reason if plain.endswith(known) else less
    more = plain.rpartition(".")[2] in MORE or any(p in plain for p in POLYNOMIALS)
    found = samples(op, torch.float32, 3, False) if call else []
    for sample in found:
        values = [sample.input, *sample.args]
        tensors = [i for i, value in enumerate(values) if isinstance(value, torch.Tensor)]
        if len(tensors) < 2 or values[tensors[0]].numel() > 200:
            continue
        for kinds in itertools.product(KINDS, KINDS):
            for i in tensors:
                values[i] = values[i].detach().to(getattr(torch, kinds[i != tensors[0]]))
            mine = _outcome(call, _ours(values), {k: _ours(v) for k, v in sample.kwargs.items()})
            theirs = _outcome(op.op, values, sample.kwargs)
            if not (mine == "refused" and less) and not (theirs == "refused" and more):
                assert mine == theirs, kinds
        break
