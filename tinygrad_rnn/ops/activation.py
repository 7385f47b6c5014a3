"""Activations: the nonlinear functions between layers, each with its gradient rule."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..autograd import Variable, primitive
from ..autograd.operation import numbers
from ..backends import Array, Backend, packed
from ..dtypes import float16, float32, of_array
from . import elementwise
from .arithmetic import abs, mul
from .checking import refusing
from .choice import where
from .conversion import cast, without_overflow
from .elementwise import exp, sigmoid, tanh
from .error_function import erf
from .inplace import inplace as in_place
from .shape import shape_of, wrap_dim
from .splitting import chunk

# ----- primitives -----


def _activation(forward: Callable[..., Array], node: str | None = None) -> Any:
    """A primitive for floating tensors only, as PyTorch's activations are."""
    name = forward.__name__.strip("_")

    def check(args: tuple[Any, ...]) -> tuple[Any, ...]:
        if not isinstance(args[0], Variable):
            got = type(args[0]).__name__
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {got}")
        kind = args[0]._array.dtype
        if kind.kind != "f":
            what = f"{of_array(kind)}; convert with .float()"
            raise NotImplementedError(f"{name}() is not implemented for {what}")
        return args

    return primitive(forward, prepare=check, name=node)


@_activation
def _leaky_relu(xp: Backend, input: Array, *, slope: float) -> Array:
    scaled = input * slope
    return xp.maximum(input, scaled) if 0 <= slope <= 1 else xp.where(input > 0, input, scaled)


@_activation
def _elu(xp: Backend, input: Array, *, alpha: float, scale: float, rate: float) -> Array:
    negative = xp.expm1(xp.clip(input, None, 0) * rate) * (alpha * scale)
    return xp.where(input > 0, input if scale == 1 else input * scale, negative)


@_activation
def _gelu(xp: Backend, input: Array) -> Array:
    return input * _normal_cdf(input)


@functools.partial(_activation, node="GeluBackward0")
def _gelu_tanh(xp: Backend, input: Array) -> Array:
    return 0.5 * input * (1 + xp.tanh(_gelu_inner(input)))


@_activation
def _silu(xp: Backend, input: Array) -> Array:
    return input * sigmoid(input)


@_activation
def _mish(xp: Backend, input: Array) -> Array:
    return input * _tanh_softplus(input)


@_activation
def _softplus(xp: Backend, input: Array, *, beta: float, threshold: float) -> Array:
    scaled = input * beta
    smooth = xp.log1p(xp.exp(xp.clip(scaled, None, threshold))) / beta
    return xp.where(scaled > threshold, input, smooth)


@functools.partial(_activation, node="LogSigmoidBackward0")
def logsigmoid(xp: Backend, input: Array) -> Array:
    """log(sigmoid(input)), elementwise, without its overflow.

    >>> F.logsigmoid(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.3133, -0.6931, -0.1269])
    """
    return packed(xp.clip(input, None, 0) - xp.log1p(xp.exp(-xp.absolute(input))))


@_activation
def _hardsigmoid(xp: Backend, input: Array) -> Array:
    return xp.clip(input + 3, 0, 6) / 6


@_activation
def _hardswish(xp: Backend, input: Array) -> Array:
    return input * (xp.clip(input + 3, 0, 6) / 6)


@primitive
def _hardtanh(xp: Backend, input: Array, *, low: float, high: float) -> Array:
    return xp.clip(input, low, high)


@primitive
def _threshold(xp: Backend, input: Array, *, limit: float, value: float) -> Array:
    return xp.where(input <= limit, xp.asarray(value, input.dtype), input)


def _normal_cdf(x: Any) -> Any:
    return 0.5 * (1 + erf(x * math.sqrt(0.5)))


def _gelu_inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)


def _tanh_softplus(x: Any) -> Any:
    """tanh(log(1 + exp(x))), which is p / (p + 2 / (p + 2)) with p = exp(x); 1 from 20 on, in
    float16 from 10 on, where p fits."""
    half = (x._array if isinstance(x, Variable) else x).dtype == float16.array
    power = exp(_hardtanh(x, low=-math.inf, high=10.0 if half else 20.0))
    return power / (power + 2 / (power + 2))


def _gelu_rule(g: Any, _y: Any, x: Any) -> Any:
    density = exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return g * (_normal_cdf(x) + x * density)


def _gelu_tanh_rule(g: Any, _y: Any, x: Any) -> Any:
    x = _hardtanh(x, low=-10.0, high=10.0)  # where t is 1, before the cube overflows
    t = tanh(_gelu_inner(x))
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return g * 0.5 * (1 + t + x * (1 - t * t) * slope)


def _silu_rule(g: Any, _y: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


def _mish_rule(g: Any, _y: Any, x: Any) -> Any:
    t = _tanh_softplus(x)
    return g * (t + x * (1 - t * t) * sigmoid(x))


_leaky_relu.gradients(lambda g, _y, x, *, slope: where(x > 0, g, g * slope))
_elu.gradients(  # the exponent is kept at or below 0: past it, an infinity times 0 would be nan
    lambda g, _y, x, *, alpha, scale, rate: (
        g * where(x <= 0, exp(where(x < 0, x, 0) * rate) * (alpha * scale * rate), scale)
    )
)
_gelu.gradients(_gelu_rule)
_gelu_tanh.gradients(_gelu_tanh_rule)
_silu.gradients(_silu_rule)
_mish.gradients(_mish_rule)
_softplus.gradients(
    lambda g, _y, x, *, beta, threshold: g * where(x * beta > threshold, 1, sigmoid(x * beta))
)
logsigmoid.gradients(lambda g, _y, x: g * sigmoid(-x))
_hardsigmoid.gradients(lambda g, _y, x: where((x > -3) & (x < 3), g / 6, 0))
_hardswish.gradients(lambda g, _y, x: where(x < 3, where(x > -3, g * (x / 3 + 0.5), 0), g))
_hardtanh.gradients(lambda g, _y, x, *, low, high: where((x <= low) | (x >= high), 0, g))
_threshold.gradients(lambda g, _y, x, *, limit, value: where(x <= limit, 0, g))

# ----- functions: input of any shape, a result of the same shape -----

_in_place = functools.cache(in_place)


def _apply(operation: Any, input: Any, inplace: bool, **options: Any) -> Any:
    return (_in_place(operation) if inplace else operation)(input, **numbers(options))


def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0), elementwise.

    >>> F.relu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return _apply(elementwise.relu, input, inplace)


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(input, 0), 6), elementwise.

    >>> F.relu6(torch.tensor([-1.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """
    return _apply(_hardtanh, input, inplace, low=0, high=6)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """input where positive, else negative_slope * input; elementwise.

    >>> F.leaky_relu(torch.tensor([-1.0, 0.0, 2.0]), 0.1)
    tensor([-0.1000,  0.0000,  2.0000])
    """
    return _apply(_leaky_relu, input, inplace, slope=negative_slope)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where positive, else alpha * (exp(input) - 1), elementwise (Clevert et al., 2015).

    >>> F.elu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    """
    return _apply(_elu, input, inplace, alpha=alpha, scale=1.0, rate=1.0)


def selu(input: Any, inplace: bool = False) -> Any:
    """elu, elementwise, with the alpha, times the scale, that keep mean 0 and variance 1
    (Klambauer et al., 2017).

    >>> F.selu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return _apply(_elu, input, inplace, alpha=alpha, scale=scale, rate=1.0)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where positive, else alpha * (exp(input / alpha) - 1), elementwise (Barron, 2017).

    Raises RuntimeError if alpha is 0.

    >>> F.celu(torch.tensor([-1.0, 0.0, 2.0]), 2.0)
    tensor([-0.7869,  0.0000,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _apply(_elu, input, inplace, alpha=alpha, scale=1.0, rate=1 / alpha)


def gelu(input: Any, approximate: str = "none") -> Any:
    """input * P(X <= input) for a standard normal X, elementwise (Hendrycks and Gimpel, 2016);
    with approximate="tanh" their approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Raises RuntimeError for another approximation.

    >>> F.gelu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            f"approximate argument must be either none or tanh, but got {approximate!r}"
        )
    return (_gelu if approximate == "none" else _gelu_tanh)(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """input * sigmoid(input), elementwise.

    >>> F.silu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """
    return _apply(_silu, input, inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """input * tanh(softplus(input)), elementwise (Misra, 2019).

    >>> F.mish(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    """
    return _apply(_mish, input, inplace)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta * input)) / beta, elementwise; input where beta * input > threshold.

    >>> F.softplus(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3133, 0.6931, 2.1269])
    """
    beta, threshold = (x.item() if isinstance(x, Variable) else x for x in (beta, threshold))
    return _softplus(input, beta=beta, threshold=threshold)


def softsign(input: Any) -> Any:
    """input / (1 + |input|), elementwise.

    >>> F.softsign(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.5000,  0.0000,  0.6667])
    """
    return input / (abs(input) + 1)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Each element, kept within [min_val, max_val]. Raises ValueError if min_val > max_val,
    RuntimeError for limits that the dtype does not have.

    >>> F.hardtanh(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    if min_val > max_val:
        raise ValueError(
            f"min_val cannot be greater than max_val, but got min_val={min_val}, max_val={max_val}"
        )
    if input._array.dtype.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh: convert with .float()")
    kind = of_array(input._array.dtype)
    cut = float if kind.is_floating_point else int
    low, high = (without_overflow(cut(limit), kind) for limit in (min_val, max_val))
    return _apply(_hardtanh, input, inplace, low=low, high=high)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """relu6(input + 3) / 6, elementwise.

    >>> F.hardsigmoid(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0.3333, 0.5000, 0.8333])
    """
    return _apply(_hardsigmoid, input, inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """input * relu6(input + 3) / 6, elementwise (Howard et al., 2019).

    >>> F.hardswish(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3333,  0.0000,  1.6667])
    """
    return _apply(_hardswish, input, inplace)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """input where it is above the threshold, else value; elementwise. For integers both are cut to
    the dtype; raises RuntimeError if it does not have them.

    >>> F.threshold(torch.tensor([-1.0, 0.0, 2.0]), 0.5, 9.0)
    tensor([9., 9., 2.])
    """
    _check_threshold((input,))
    kind = of_array(input._array.dtype)
    threshold, value = without_overflow(threshold, kind), without_overflow(value, kind)
    return _apply(_threshold, input, inplace, limit=threshold, value=value)


_check_prelu, _check_glu = refusing("prelu_cpu", "biu"), refusing("glu_cpu", "biu")
_check_threshold = refusing("threshold_cpu")


def prelu(input: Any, weight: Any) -> Any:
    """input where positive, else weight * input (He et al., 2015).

    weight has one element, or one for each channel: input is (C), (N, C) or (N, C, ...). Raises
    RuntimeError if it has another number of elements.

    >>> F.prelu(torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([0.5]))
    tensor([-0.5000,  0.0000,  2.0000])
    """
    shape, count = shape_of(input), shape_of(weight)
    kinds = of_array(input._array.dtype), of_array(weight._array.dtype)
    if kinds[0] is not kinds[1]:
        raise RuntimeError(
            "prelu: Type promoting not supported. Got "
            f"{kinds[0].scalar_name} and {kinds[1].scalar_name}: convert one with .to(dtype)"
        )
    _check_prelu((input,))
    if len(count) > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {len(count)}"
        )
    if count == (1,):
        weight = weight.reshape(())
    elif count:
        channels = shape[1] if len(shape) > 1 else 1
        if count[0] != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{count[0]} and channel size = {channels}."
            )
        weight = weight.reshape((-1,) + (1,) * (len(shape) - 2))
    return where(input > 0, input, mul(weight, input))


def glu(input: Any, dim: int = -1) -> Any:
    """a * sigmoid(b) for the halves a, b of the input along dim, whose size becomes half (Dauphin
    et al., 2016). Raises RuntimeError if it is odd.

    >>> F.glu(torch.tensor([2.0, 4.0, 0.0, 0.0]))
    tensor([1., 2.])
    """
    shape = shape_of(input)
    if input._array.dtype == float16.array:  # products in its gradient may not fit
        return cast(glu(cast(input, float32), dim), float16)
    _check_glu((input,))
    if not shape:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = wrap_dim(dim, len(shape))
    if shape[dim] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {shape[dim]}"
        )
    values, gates = chunk(input, 2, dim)
    return mul(values, sigmoid(gates))
