"""PyTorch's own sample inputs for its operators, given to PyTorch and to us, and compared."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is what we compare with")
pytest.importorskip("expecttest", reason="torch.testing._internal imports it")

from torch.testing import assert_close  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

import tinygrad_rnn as ours  # noqa: E402

DTYPES = (torch.float64, torch.float32, torch.float16, torch.int64, torch.bool)
LARGEST = 10_000  # elements of a sample; larger ones only take time
MOST = int(os.environ.get("TINYGRAD_RNN_TEST_SAMPLES", "60"))  # per operator or module, and dtype
SEED = 42  # the seed that op_db sets before each random operator: our numbers are PyTorch's
TOLERANCE = {
    # PyTorch computes half precision in float32 and rounds once, NumPy after each operation
    torch.float16: {"rtol": 3e-2, "atol": 6e-2},
    # sums of products in another order
    torch.float32: {"rtol": 1e-5, "atol": 3e-5},
}
# Operators that op_db calls with arguments in another order than they have
REORDERED: dict[str, Callable[..., Any]] = {
    "where": lambda f: lambda input, condition, other: f(condition, input, other),
    "einsum": lambda f: lambda tensors, equation: f(equation, tensors),
    "normal:number_mean": lambda f: lambda std, mean, *args, **kw: f(mean, std, *args, **kw),
    "nn.functional.embedding": lambda f: lambda weight, idx, **kw: f(idx, weight, **kw),
    "nn.functional.embedding_bag": lambda f: lambda weight, idx, **kw: f(idx, weight, **kw),
    "linalg.lstsq:grad_oriented": lambda f: lambda a, b, driver: f(a, b, driver=driver)[:2],
    "linalg.pinv:singular": lambda f: lambda a, b: f(a @ b.mT),
    "pca_lowrank": lambda f: lambda a, b, **kw: f(a @ b.mT, **kw),
    "svd_lowrank": lambda f: lambda a, b, **kw: f(a @ b.mT, **kw),
}
REORDERED |= {
    name: lambda f: lambda x, n, **kw: f(n, x, **kw)
    for name in (
        "special.polygamma:special_polygamma_n_0",
        *(f"polygamma:polygamma_n_{i}" for i in range(5)),
    )
}


class Unsupported(Exception):
    """Raised while translating arguments for what tinygrad_rnn does not have at all."""


# ----- the operators that both have -----


def name_of(op: Any) -> str:
    """ "max:binary": the name and the variant of an OpInfo."""
    return f"{op.name}:{op.variant_test_name}" if op.variant_test_name else op.name


def function(op: Any) -> Callable[..., Any] | None:
    """Our function of the operator's (dotted) name, or what reads the property."""
    if isinstance(getattr(ours.Tensor, op.name, None), property):
        return lambda x: getattr(x, op.name)
    found: Any = ours
    for part in op.name.split("."):
        found = getattr(found, part, None)
    adapt = REORDERED.get(name_of(op), lambda f: f)
    return adapt(found) if callable(found) else None


def method(op: Any) -> Callable[..., Any] | None:
    """Our method, where PyTorch has one too and it is not simply the function."""
    found = getattr(ours.Tensor, op.name, None) if hasattr(torch.Tensor, op.name) else None
    simple = isinstance(found, property) or found is getattr(ours, op.name, None)
    return None if simple or name_of(op) in REORDERED else found


OPERATORS = {
    name_of(op): op
    for op in op_db
    if (function(op) or method(op))
    and op.name != "zero_"  # changes its input
    and op.variant_test_name != "triton_optimized"  # bmm again, of large matrices
}


def samples(op: Any, dtype: Any, limit: int, gradients: bool) -> list[Any]:
    """The first `limit` samples of an operator, PyTorch's harder ones (extreme values, unusual
    strides) among them. The functions behind OpInfo.reference_inputs are called without it, as it
    looks through all of Python's stack and seeds the generators of all devices for each sample."""
    torch.default_generator.manual_seed(SEED)
    make = op.reference_inputs_func or op.sample_inputs_func
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = list(itertools.islice(make(op, "cpu", dtype, gradients), limit))
        except ValueError:  # integers are among them, and are asked for gradients, too
            found = list(
                itertools.islice(op.sample_inputs_func(op, "cpu", dtype, gradients), limit)
            )
    if op.name.endswith("polygamma") and dtype.is_floating_point:
        for sample in found:
            x = sample.input.detach()
            if bool((x < -1000.5).any()):  # from there PyTorch counts up to 1, one by one
                sample.input = x.clamp(min=-1000.5).requires_grad_(sample.input.requires_grad)
    return [s for s in found if _size(s) <= LARGEST]


def _size(sample: Any) -> int:
    bundle = (sample.input, sample.args, sample.kwargs)
    return sum(x.numel() for x in leaves(bundle, torch.Tensor))


# ----- their arguments as ours -----


def leaves(value: Any, kind: type) -> Iterator[Any]:
    """The tensors of a kind in nested arguments or results, in order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, kind)
    elif isinstance(value, dict):
        yield from leaves(list(value.values()), kind)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Nested arguments with `change` made of everything that is not a container."""
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        parts = mapped(tuple(value), change)
        library = ours if isinstance(parts[0], ours.Tensor) else torch
        return library.nn.utils.rnn.PackedSequence(*parts)
    if isinstance(value, dict):
        return {k: mapped(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple):
        items = [mapped(v, change) for v in value]
        return items if isinstance(value, list) else tuple(items)
    return change(value)


def fresh(bundle: Any) -> Any:
    """The same with every tensor a leaf of its own, on the same memory."""
    return mapped(
        bundle,
        lambda x: x.detach().requires_grad_(x.requires_grad) if isinstance(x, torch.Tensor) else x,
    )


def translate(value: Any, device: str | None = None) -> Any:
    """Arguments for our function: tensors (on the same memory, if on the CPU), dtypes, devices.
    Without a device they are for the default one."""
    where = device or str(ours.get_default_device())
    return mapped(value, lambda x: _translate(x, where))


def _translate(value: Any, device: str) -> Any:
    if isinstance(value, torch.Tensor):
        if value.dtype.is_complex or value.dtype == torch.bfloat16:
            raise Unsupported(f"{value.dtype} tensors")
        if value.is_meta:
            raise Unsupported("tensors without memory")
        if value.layout != torch.strided:
            raise Unsupported("sparse tensors")
        tensor = ours.from_numpy(value.detach().resolve_neg().numpy()).to(device)
        return tensor.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        if not hasattr(ours, str(value).removeprefix("torch.")):
            raise Unsupported(f"{value}")
        return getattr(ours, str(value).removeprefix("torch."))
    if isinstance(value, torch.memory_format | torch.layout):
        raise Unsupported("memory_format= and layout=")
    if isinstance(value, complex):
        raise Unsupported("complex numbers")
    if isinstance(value, torch.device) or value == "cpu":
        return device
    if isinstance(value, torch.nn.Module):
        raise Unsupported("modules of PyTorch as arguments")
    if callable(value) and hasattr(ours.nn.functional, getattr(value, "__name__", "")):
        return getattr(ours.nn.functional, value.__name__)
    return value


# ----- comparing -----


def close(mine: Any, theirs: Any, what: str, **tolerance: float) -> None:
    """Assert that two tensors of PyTorch agree. Most are equal, which is sooner seen than how close
    they are."""
    if not torch.equal(mine, theirs):
        assert_close(
            mine, theirs.detach(), equal_nan=True, check_stride=False, check_layout=False,
            msg=lambda m: f"{what}: {m}", **tolerance,
        )  # fmt: skip


def same(mine: Any, theirs: Any, what: str, *, values: bool = True, **tolerance: float) -> None:
    """Assert that two results agree: kinds, shapes, dtypes, and values."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(mine, ours.Tensor), f"{what}: a tensor expected, got {mine!r}"
        assert tuple(mine.shape) == tuple(theirs.shape), f"{what}: shape"
        assert str(mine.dtype) == str(theirs.dtype), f"{what}: {mine.dtype}, not {theirs.dtype}"
        if values:
            close(torch.from_numpy(mine.detach().cpu().numpy().copy()), theirs, what, **tolerance)
    elif isinstance(theirs, list | tuple):
        assert isinstance(mine, list | tuple) and len(mine) == len(theirs), f"{what}: {mine!r}"
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            same(a, b, f"{what}[{i}]", values=values, **tolerance)
    elif isinstance(theirs, torch.dtype):
        assert str(mine) == str(theirs), what
    else:
        assert type(mine) is type(theirs), f"{what}: {mine!r}, not {theirs!r}"
        assert mine == pytest.approx(theirs, nan_ok=True), what


def run_theirs(call: Callable[..., Any], bundle: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's advice is not our affair
        torch.default_generator.manual_seed(SEED)
        return call(bundle[0], *bundle[1], **bundle[2])


def run_ours(call: Callable[..., Any], bundle: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ours is PyTorch's
        ours.manual_seed(SEED)
        return call(bundle[0], *bundle[1], **bundle[2])


def check_gradients(
    my_inputs: Any, mine: Any, inputs: Any, theirs: Any, *, second: bool, **tolerance: float
) -> None:
    """Assert that both differentiate alike: a weighted sum of the results, and with `second` a
    weighted sum of those gradients once more."""
    inputs = [x for x in leaves(inputs, torch.Tensor) if x.requires_grad]
    my_inputs = [x for x in leaves(my_inputs, ours.Tensor) if x.requires_grad]
    for order in (1, 2) if second else (1,):
        results = [y for y in leaves(theirs, torch.Tensor) if y.requires_grad]
        my_results = [y for y in leaves(mine, ours.Tensor) if y.requires_grad]
        if order == 1:
            assert len(my_results) == len(results), "which results require a gradient"
        else:  # some of PyTorch's gradients are constant zeros where ours are computed
            my_results = [
                m for m, t in zip(mine, theirs, strict=True) if m.requires_grad and t.requires_grad
            ]
        if not inputs or not results:
            return
        weights = [torch.rand(y.shape, dtype=y.dtype) + 0.5 for y in results]
        again = second and order == 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = torch.autograd.grad(
                    results, inputs, weights, allow_unused=True, create_graph=again
                )
        except RuntimeError as error:
            assert "not implemented" in str(error) or "not used" in str(error)
            return
        mine = [None] * len(my_inputs)
        if my_results:
            mine = ours.autograd.grad(
                my_results, my_inputs, translate(weights[: len(my_results)]),
                allow_unused=True, create_graph=again,
            )  # fmt: skip
        theirs = [
            torch.zeros_like(x) if g is None else g for g, x in zip(theirs, inputs, strict=True)
        ]
        mine = [
            ours.zeros_like(x) if g is None else g for g, x in zip(mine, my_inputs, strict=True)
        ]
        what = f"gradient of order {order}"
        if order == 1:
            same(mine, theirs, what, **tolerance)
        else:  # PyTorch's second derivatives are nan in more places than ours
            for g, t in zip(mine, theirs, strict=True):
                known = ~t.isnan()
                same(g[translate(known)], t[known], what, **tolerance)
