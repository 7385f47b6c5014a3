"""Results written into tensors that the caller has: ``torch.add(a, b, out=c)``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ..autograd import Variable, is_grad_enabled
from ..autograd.hints import name_dtype, wrong_argument
from ..autograd.operation import Operation
from ..autograd.synonyms import meant
from ..dtypes import can_cast, of_array
from ..layout import pop_memory_options
from ..warning import warn
from .shape import shape_of
from .strided import resize_

F = TypeVar("F", bound=Callable[..., Any])

# The functions that take out=. Those with several results take a tuple.
WITH_OUT = """
abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr alias_copy all amax amin
aminmax angle any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
as_strided_copy asin asinh atan atan2 atanh baddbmm bernoulli bitwise_and bitwise_left_shift
bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat ceil cholesky
cholesky_inverse cholesky_solve clamp clamp_max clamp_min clip column_stack concat concatenate
conj_physical copysign cos cosh cross cummax cummin cumprod cumsum deg2rad diag diagonal_copy diff
digamma div divide dot dstack eq erf erfc erfinv exp exp2 expand_copy expm1 fix float_power floor
floor_divide fmax fmin fmod frac frexp gather gcd ge geqrf ger greater greater_equal gt hardshrink
heaviside histc histogram hstack hypot i0 igamma igammac index_add index_copy index_reduce
index_select inner inverse isin isneginf isposinf kron kthvalue lcm ldexp le lerp less less_equal
lgamma log log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp logical_and logical_not
logical_or logical_xor logit logsumexp lt lu_solve lu_unpack masked_select matmul matrix_power max
maximum mean median min minimum mm mode msort mul multinomial multiply mv mvlgamma nan_to_num
nanmean nanmedian nanquantile nansum narrow_copy native_batch_norm ne neg negative nextafter
nonzero norm not_equal orgqr ormqr outer permute_copy polygamma pow prod qr quantile rad2deg
reciprocal remainder renorm round row_stack rsqrt scatter scatter_add scatter_reduce searchsorted
sgn sigmoid sign signbit sin sinc sinh slice_scatter softmax sort split_with_sizes_copy sqrt square
squeeze_copy stack std sub subtract sum svd t_copy take take_along_dim tan tanh tensordot topk
transpose_copy triangular_solve tril triu true_divide trunc unbind_copy unfold_copy unsqueeze_copy
var vdot view_copy vstack where xlogy
""".split()  # noqa: SIM905, a list would have a line for each
CREATORS = """
arange empty eye full linspace logspace normal ones rand randint randn randperm scalar_tensor
tril_indices triu_indices zeros
""".split()  # noqa: SIM905


def with_out(function: F) -> F:
    """Let `function` take out=: a tensor for its result, which it returns instead of a new one.

    A tensor of another size is resized, with a warning unless it is empty. Raises RuntimeError if
    a gradient would be needed, or for a dtype that the result does not fit.
    """
    operation: Operation | None = getattr(function, "operation", None)
    if operation is not None:  # a primitive, which can do it without another call around it
        operation.write = _written
        return function

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if "dtype" in kwargs:
            name_dtype(kwargs)
        try:
            result = function(*args, **kwargs) if kwargs else function(*args)
        except Exception as error:
            if isinstance(error, TypeError) and (now := meant(function, args, kwargs)) is not None:
                return call(*now[0], out=out, **now[1])
            wrong = wrong_argument(function, args, kwargs, error)
            if wrong is None:
                raise
            raise wrong from error
        return result if out is None else _written(function.__name__, result, out)

    call.__tells__ = True  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def creates(function: F) -> F:
    """Let a function that makes a tensor take size= for its sizes, layout= and pin_memory=, and
    out=, see `with_out`: the dtype and device are then those of out."""
    parameters = inspect.signature(function).parameters.values()
    sizes_in_a_row = any(p.kind is p.VAR_POSITIONAL for p in parameters)

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if kwargs:
            if sizes_in_a_row and "size" in kwargs:
                args = (*args, kwargs.pop("size"))
            pop_memory_options(kwargs)
        if out is None:
            return function(*args, **kwargs) if kwargs else function(*args)
        options = {"dtype": out.dtype, "device": out.device, **kwargs}
        return _written(function.__name__, function(*args, **options), out)

    return call  # type: ignore[return-value]


def _written(name: str, result: Any, out: Any) -> Any:
    if out is None:
        return result
    if isinstance(result, tuple):
        if not isinstance(out, tuple | list) or len(out) != len(result):
            raise TypeError(
                f"{name}(): argument 'out' must be a tuple of {len(result)} Tensors, got "
                f"{type(out).__name__}"
            )
        parts = [_written(name, a, b) for a, b in zip(result, out, strict=True)]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    if not isinstance(out, Variable):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    tensor: Any = out
    if is_grad_enabled() and (result.requires_grad or tensor.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    kind, given = of_array(result._array.dtype), of_array(out._array.dtype)
    if not can_cast(kind, given):
        raise RuntimeError(
            f"result type {kind.scalar_name} can't be cast to the desired output type "
            f"{given.scalar_name}"
        )
    if shape_of(out) != shape_of(result):
        if out._array.size:
            warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(shape_of(out))}, which does not match the required output shape "
                f"{list(shape_of(result))}; give an empty tensor, or one of that shape"
            )
        resize_(out, shape_of(result))
    return tensor.copy_(result)
