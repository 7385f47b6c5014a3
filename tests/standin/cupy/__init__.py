"""A strict stand-in for CuPy, for tests on machines without a GPU.

NumPy computes; everything else is as CuPy does it, or stricter: see `_array.ndarray`. There are
the functions that the backends' protocol names, with CuPy's parameters, and no others.
"""

from . import _cublas as _cublas, cuda as cuda, linalg as linalg, standin as standin
from ._array import ndarray as ndarray, of_array as _of_array
from ._functions import (
    array as array,
    asarray as asarray,
    asnumpy as asnumpy,
    broadcast_arrays as broadcast_arrays,
    concatenate as concatenate,
    einsum as einsum,
    frexp as frexp,
    from_dlpack as from_dlpack,
    maker as _maker,
    matmul as matmul,
    result_type as result_type,
    stack as stack,
    ufunc as ufunc,
    where as where,
)
from ._raw import RawKernel as RawKernel

_UFUNCS = """
    absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or
    bitwise_xor ceil copysign cos cosh equal exp exp2 expm1 floor floor_divide fmod gcd
    greater greater_equal hypot invert isfinite isinf isnan lcm less less_equal log log10 log1p log2
    logical_and logical_not logical_or logical_xor maximum minimum multiply negative
    nextafter not_equal power remainder rint sign signbit sin sinh sqrt square subtract tan tanh
    true_divide trunc
"""
# The parameters behind the array. CuPy has fewer than NumPy: no where=, initial=, mode=, ...
_OF_ARRAY = {
    "all": "axis out keepdims",
    "amax": "axis out keepdims",
    "amin": "axis out keepdims",
    "any": "axis out keepdims",
    "argmax": "axis dtype out keepdims",
    "argmin": "axis dtype out keepdims",
    "argsort": "axis kind",
    "array_split": "indices_or_sections axis",
    "ascontiguousarray": "dtype",
    "bincount": "weights minlength",
    "broadcast_to": "shape",
    "clip": "a_min a_max out",
    "count_nonzero": "axis",
    "cumprod": "axis dtype out",
    "cumsum": "axis dtype out",
    "diagonal": "offset axis1 axis2",
    "empty_like": "dtype order",
    "expand_dims": "axis",
    "flip": "axis",
    "full_like": "fill_value dtype order",
    "median": "axis out overwrite_input keepdims",
    "moveaxis": "source destination",
    "nan_to_num": "copy nan posinf neginf",
    "nonzero": "",
    "ones_like": "dtype order",
    "prod": "axis dtype out keepdims",
    "repeat": "repeats axis",
    "roll": "shift axis",
    "searchsorted": "v side",
    "sum": "axis dtype out keepdims",
    "take": "indices axis",
    "take_along_axis": "indices axis",
    "tile": "reps",
    "transpose": "axes",
    "tril": "k",
    "triu": "k",
    "unique": "return_index return_inverse return_counts axis",
    "zeros_like": "dtype order",
}
_OF_NUMBERS = {
    "arange": "start stop step dtype",
    "empty": "shape dtype order",
    "eye": "N M k dtype order",
    "full": "shape fill_value dtype order",
    "linspace": "start stop num endpoint retstep dtype axis",
    "ones": "shape dtype order",
    "zeros": "shape dtype order",
}

globals().update({name: ufunc(name) for name in _UFUNCS.split()})
globals().update({name: _of_array(name, names) for name, names in _OF_ARRAY.items()})
globals().update({name: _maker(name, names) for name, names in _OF_NUMBERS.items()})

__version__ = "14.2.0"


def get_default_memory_pool() -> cuda.MemoryPool:
    return cuda._default
