"""Our functions, methods and in-place methods against PyTorch's, on PyTorch's own samples.

Whatever has the name of an operator that PyTorch tests is tested here: values, shapes, dtypes, and
in float64 gradients of first and second order; then the errors that PyTorch says it raises.
`DIFFERENCES` is the list of everything that is not as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .op_samples import (
    DTYPES,
    MOST,
    OPERATORS,
    SEED,
    TOLERANCE,
    Unsupported,
    check_gradients,
    close,
    fresh,
    function,
    leaves,
    method,
    ours,
    run_ours,
    run_theirs,
    same,
    samples,
    torch,
    translate,
)

# ----- where we differ, and why -----


@dataclass
class Difference:
    reason: str
    where: Callable[[Any], bool] = lambda sample: True  # which samples it is about


def _given(*names: str) -> Callable[[Any], bool]:
    return lambda sample: any(sample.kwargs.get(name) for name in names)


def _no_tensor(sample: Any) -> bool:
    tensors = leaves((sample.input, sample.args, sample.kwargs), torch.Tensor)
    return next(tensors, None) is None


def _edges_fall(sample: Any) -> bool:
    return any(bool((edges.diff() < 0).any()) for edges in leaves(sample.args, torch.Tensor))


def _near_poles(sample: Any) -> bool:
    x = sample.input.double()
    return bool((((x < 0.1) & ((x - x.round()).abs() < 0.1)) | x.isinf()).any())


def _where_approximate(sample: Any) -> bool:
    """Where PyTorch's Bessel and Airy functions have half of float64's digits, or less."""
    x = sample.input.double()
    return bool(((x > 5) | (x < -2)).any())


def _large(limit: float) -> Callable[[Any], bool]:
    """Whether there are numbers beyond a limit among the tensors."""
    return lambda sample: any(
        bool((x.double().nan_to_num().abs() > limit).any())
        for x in leaves((sample.input, sample.args), torch.Tensor)
    )


def _nan(sample: Any) -> bool:
    return bool(sample.input.isnan().any())


_NAN = Difference("PyTorch's gradient at nan depends on the place in memory", _nan)
_RENORM = Difference("changes the weight; tested in tests/nn", _given("max_norm", "sparse"))
_NUMBERS = Difference("numbers alone are Python's affair", _no_tensor)
_POLES = Difference("PyTorch misses the poles by its rounding of pi", _near_poles)
DIFFERENCES = {
    "add": _NUMBERS,
    "as_strided:partial_views": Difference("what lies in front of a NumPy array is not ours"),
    "as_strided_scatter": Difference(
        "PyTorch's gradient of the elements that are replaced is not 0",
        lambda sample: sample.input.requires_grad,
    ),
    "addbmm": Difference("cannot grow in place", lambda s: s.input.ndim < 2),
    "cov": Difference(
        "rounding of weights in float32", lambda sample: sample.kwargs.get("aweights") is not None
    ),
    "digamma": _POLES,
    "div:floor_rounding": _NUMBERS,
    "div:no_rounding_mode": _NUMBERS,
    "div:trunc_rounding": _NUMBERS,
    "floor_divide": _NUMBERS,
    "grid_sampler_2d": Difference(
        "where the nearest element lies in half precision",
        lambda sample: sample.input.dtype == torch.float16,
    ),
    "histc": Difference(
        "where the edges lie in half precision", lambda sample: sample.input.dtype == torch.float16
    ),
    "matrix_exp": Difference(
        "PyTorch overflows in half precision", lambda sample: sample.input.dtype == torch.float16
    ),
    "mul": _NUMBERS,
    "nn.functional.conv_transpose3d": Difference(
        "PyTorch rounds after each addition", lambda sample: sample.input.dtype == torch.float16
    ),
    "nn.functional.embedding": _RENORM,
    "nn.functional.embedding_bag": _RENORM,
    "nn.functional.hardshrink": _NAN,
    "nn.functional.hardtanh": _NAN,
    "nn.functional.multi_head_attention_forward": Difference(
        "softmax makes rounding visible", lambda sample: sample.input.dtype == torch.float16
    ),
    **{
        f"nn.functional.linear_cross_entropy:{variant}": Difference(
            "there are no options for computing in parts", _given("options")
        )
        for variant in ("chunked", "chunked_none")
    },
    "nn.functional.relu6": _NAN,
    "nn.functional.soft_margin_loss": Difference(
        "large scores do not overflow", lambda sample: sample.input.dtype == torch.float16
    ),
    "nn.functional.softshrink": _NAN,
    "native_layer_norm": Difference(
        "PyTorch's second derivative fails", lambda s: s.args[1] is None and s.input.requires_grad
    ),
    "histogramdd": Difference("edges that do not rise", _edges_fall),
    "narrow_copy": Difference("PyTorch's gradient fails", lambda s: s.args[1] < 0),
    "normal:in_place": Difference("changes its input; tested with the generator"),
    "rand_like": Difference("op_db calls randn_like"),
    "__rdiv__": Difference(
        "Python itself never calls it on a number", lambda s: not hasattr(s.input, "ndim")
    ),
    "__rsub__": Difference(
        "Python itself never calls it on a number", lambda s: not hasattr(s.input, "ndim")
    ),
    "signal.windows.kaiser": Difference(
        "PyTorch's Bessel function overflows", lambda sample: sample.kwargs.get("beta") == 100
    ),
    "special.log_ndtr": Difference(
        "PyTorch's gradient overflows",
        lambda sample: bool((sample.input.double().nan_to_num().abs() > 1e4).any()),
    ),
    "sub": _NUMBERS,
    "true_divide": _NUMBERS,
}
DIFFERENCES |= {
    f"special.{name}": Difference("PyTorch's rounding", _where_approximate)
    for name in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1")
}
DIFFERENCES |= {
    "special.hermite_polynomial_h": Difference(
        "PyTorch rounds after each step in float32",
        lambda s: any(x.dtype == torch.float32 for x in leaves((s.input, s.args), torch.Tensor)),
    ),
    "special.laguerre_polynomial_l": Difference("PyTorch's rounding and patience", _large(50)),
    "special.zeta": Difference("PyTorch's is nan, ours 0", _large(1e19)),
}
DIFFERENCES |= {f"polygamma:polygamma_n_{n}": _POLES for n in range(5)}
DIFFERENCES["special.polygamma:special_polygamma_n_0"] = _POLES
# Running statistics
UPDATED = {"native_batch_norm", "nn.functional.batch_norm", "nn.functional.instance_norm"}
UNDEFINED_VALUES = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
}  # fmt: skip
# PyTorch says that random draws require a gradient, which then is zero
CONSTANT = {"bernoulli", "normal", "normal:number_mean"}
# Which of equal elements an index names is left open; the number is the position of `dim`
# Vectors that are defined up to their sign and more; op_db knows what of them is determined
SIGNS = {"svd", "linalg.svd", "linalg.eigh", "svd_lowrank", "pca_lowrank"}
TIES = {"mode": 0, "kthvalue": 1, "topk": 1, "median": 0, "nanmedian": 0, "sort": 0, "argsort": 0}
# Errors that are not raised here, or are of another kind
OTHER_ERRORS: dict[str, Callable[[Any, Exception], bool]] = {
    "out= is not supported": lambda sample, error: "out" in sample.kwargs,
    "numbers may stand for tensors": lambda sample, error: (
        isinstance(error, TypeError) and int in map(type, (sample.input, *sample.args))
    ),
}


# ----- results and gradients -----


def _compare(name: str, mine: Any, theirs: Any, sample: Any, **tolerance: float) -> None:
    op_name = OPERATORS[name].name
    if op_name in SIGNS:
        mine, theirs = map(sample.output_process_fn_grad, (mine, theirs))
    if op_name not in TIES or not (isinstance(theirs, tuple) or op_name == "argsort"):
        same(mine, theirs, "result", values=op_name not in UNDEFINED_VALUES, **tolerance)
        return
    same(mine, theirs, "result", values=False)
    input, args, kwargs = sample.input, sample.args, sample.kwargs
    *values, index = theirs if isinstance(theirs, tuple) else (theirs,)
    *my_values, my_index = mine if isinstance(theirs, tuple) else (mine,)
    same(my_values, values, "values", **tolerance)
    if not input.ndim:
        return
    at = TIES[op_name]
    dim = kwargs.get("dim", args[at] if len(args) > at else -1)
    picked, my_picked = (
        input.detach().take_along_dim(i if i.ndim == input.ndim else i.unsqueeze(dim), dim)
        for i in (index, torch.from_numpy(my_index.cpu().numpy()))
    )
    close(my_picked, picked, "picked", rtol=0, atol=0)


def _check(
    name: str, call: Callable[..., Any], sample: Any, dtype: Any, *, device: str | None = None,
    gradients: bool = False,
) -> None:  # fmt: skip
    bundle = fresh((sample.input, sample.args, sample.kwargs))
    my_bundle = translate(bundle, device)
    tensors = list(leaves(bundle, torch.Tensor))
    before = [x.detach().clone() for x in tensors]
    try:
        theirs = run_theirs(OPERATORS[name].op, bundle)
    except RuntimeError:  # random integers that make no sense
        return
    mine = run_ours(call, my_bundle)
    for x, old in zip(tensors, before, strict=True):
        if OPERATORS[name].name in UPDATED and not x.requires_grad and x.ndim == 1:
            continue
        close(x.detach(), old, "the input was changed")
    tolerance = TOLERANCE.get(dtype, {})
    _compare(name, mine, theirs, sample, **tolerance)
    if gradients and name not in CONSTANT:
        if OPERATORS[name].name in SIGNS:
            mine, theirs = map(sample.output_process_fn_grad, (mine, theirs))
        second = OPERATORS[name].supports_gradgrad
        check_gradients(my_bundle, mine, bundle, theirs, second=second, **tolerance)


def _for_each_sample(name: str, dtype: Any, gradients: bool, check: Callable[[Any], None]) -> None:
    """Run `check` on the samples, but for those with a reason not to; skip if none is left."""
    difference = DIFFERENCES.get(name)
    checked, reasons = 0, set()
    step = 4 if name.startswith("masked.") else 1  # they come in dozens
    for sample in samples(OPERATORS[name], dtype, MOST, gradients)[::step]:
        if difference and difference.where(sample):
            reasons.add(difference.reason)
            continue
        try:
            check(sample)
            checked += 1
        except Unsupported as error:
            reasons.add(str(error))
    if not checked:
        pytest.skip("; ".join(sorted(reasons)) or "PyTorch has no samples")


def _cases(*dtypes: Any) -> list[Any]:
    return [
        pytest.param(name, dtype, id=f"{name}-{str(dtype).removeprefix('torch.')}")
        for name, op in OPERATORS.items()
        for dtype in dtypes
        if dtype in op.supported_dtypes("cpu")
    ]


@pytest.mark.parametrize(("name", "dtype"), _cases(*DTYPES))
def test_results_and_gradients(name, dtype):
    op = OPERATORS[name]
    gradients = dtype == torch.float64 and op.supports_autograd

    def check(sample):
        for call in filter(callable, (function(op), method(op))):
            _check(name, call, sample, dtype, gradients=gradients)

    _for_each_sample(name, dtype, gradients, check)


@pytest.mark.parametrize(("name", "dtype"), _cases(torch.float32, torch.int64))
def test_results_on_a_gpu(name, dtype):
    call = function(OPERATORS[name]) or method(OPERATORS[name])
    _for_each_sample(
        name, dtype, False, lambda sample: _check(name, call, sample, dtype, device="cuda")
    )


# ----- in place -----

IN_PLACE = [
    case
    for case in _cases(torch.float64, torch.int64)
    if OPERATORS[case.values[0]].inplace_variant
    and hasattr(ours.Tensor, f"{OPERATORS[case.values[0]].name}_")
]


@pytest.mark.parametrize(("name", "dtype"), IN_PLACE)
def test_in_place(name, dtype):
    op = OPERATORS[name]
    gradients = dtype == torch.float64 and op.supports_autograd
    call = getattr(ours.Tensor, f"{op.name}_")

    def check(sample):
        if not isinstance(sample.input, torch.Tensor):
            return
        bundle = fresh((sample.input, sample.args, sample.kwargs))
        my_bundle = translate(bundle)
        x, my_x = bundle[0].clone(), my_bundle[0].clone()  # not leaves, which must not be changed
        try:
            theirs = run_theirs(op.inplace_variant, (x, *bundle[1:]))
        except RuntimeError:
            with pytest.raises(RuntimeError):
                run_ours(call, (my_x, *my_bundle[1:]))
            return
        assert run_ours(call, (my_x, *my_bundle[1:])) is my_x
        same(my_x, theirs, "result")
        if gradients:
            check_gradients(my_bundle, my_x, bundle, theirs, second=op.supports_gradgrad)

    _for_each_sample(name, dtype, gradients, check)


# ----- errors -----


@pytest.mark.parametrize("name", [name for name, op in OPERATORS.items() if op.error_inputs_func])
def test_errors(name):
    op = OPERATORS[name]
    call = function(op) or method(op)
    torch.default_generator.manual_seed(SEED)
    for bad in op.error_inputs_func(op, "cpu"):  # see `samples`
        sample = bad.sample_input
        try:
            run_theirs(op.op, (sample.input, sample.args, sample.kwargs))
        except Exception as error:
            expected = error
        else:
            continue  # an error on other devices, or of a kind that only PyTorch's tests know
        if name in DIFFERENCES or any(rule(sample, expected) for rule in OTHER_ERRORS.values()):
            continue
        try:
            bundle = translate((sample.input, sample.args, sample.kwargs))
        except (Unsupported, ValueError):  # NumPy has no arrays of so many dimensions
            continue
        kind = RuntimeError if isinstance(expected, NotImplementedError) else type(expected)
        with pytest.raises(kind):
            run_ours(call, bundle)
