"""What PyTorch lets programs set for a whole process: threads, determinism, precision."""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

from . import backends
from .backends import cpu
from .backends.determinism import setting
from .backends.precision import setting as precision_setting
from .dtypes import as_dtype, set_default_dtype
from .tensor import Tensor
from .warning import warn

Model = TypeVar("Model")

# ----- determinism -----


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Make it an error (or with warn_only a warning) that an operation may give other results, to
    rounding, when it runs again.

    None does, on GPUs either, but for one: where an index names a place more than once, as in
    ``x[index] = values``, `index_put`, `index_copy` and `scatter`, any of its values may stay on a
    GPU. With this it is the last one, as on the CPU, which takes longer.

    >>> torch.use_deterministic_algorithms(True)
    >>> torch.are_deterministic_algorithms_enabled()
    True
    >>> torch.use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        raise TypeError(
            "use_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not "
            f"{type(mode).__name__}"
        )
    setting.level = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` is on.

    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    return setting.level > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` is on, and only warns.

    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return setting.level == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error": `use_deterministic_algorithms` by number.

    >>> torch.set_deterministic_debug_mode("default")
    """
    names = ["default", "warn", "error"]
    if not isinstance(debug_mode, int | str):
        kind = type(debug_mode).__name__
        raise TypeError(f"debug_mode must be str or int, but got {kind}")
    if isinstance(debug_mode, str) and debug_mode not in names:
        raise RuntimeError(
            "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
            f"{debug_mode}"
        )
    level = names.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    if level not in range(3):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {level}")
    setting.level = level


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` set.

    >>> torch.get_deterministic_debug_mode()
    0
    """
    return setting.level


# ----- threads -----


def _threadpools() -> Any:
    """The library that can set BLAS's threads, None if it is not installed."""
    try:
        return importlib.import_module("threadpoolctl")
    except ImportError:
        return None


def _positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise RuntimeError(f"{name} expects an int, but got {type(value).__name__}")
    if value <= 0:
        raise RuntimeError(f"{name} expects a positive integer")


def set_num_threads(num_threads: int, /) -> None:
    """Set how many threads the compiled kernels run on, and BLAS, which does the rest.

    For BLAS it takes the package threadpoolctl. Without it BLAS has as many threads as
    OPENBLAS_NUM_THREADS (or OMP_NUM_THREADS) said at the start; this warns if nothing was compiled,
    because then it has no effect at all.

    >>> torch.set_num_threads(0)
    Traceback (most recent call last):
    RuntimeError: set_num_threads expects a positive integer
    """
    _positive("set_num_threads", num_threads)
    cpu.set_threads(num_threads)
    pools = _threadpools()
    if pools is not None:
        pools.threadpool_limits(limits=num_threads, user_api="blas")
    elif cpu.available() == ("numpy",):
        warn(
            "set_num_threads() has no effect without threadpoolctl: pip install threadpoolctl, or "
            f"set the environment variable OPENBLAS_NUM_THREADS={num_threads} before the start"
        )


def get_num_threads() -> int:
    """How many threads products of matrices and recurrent layers run on.

    >>> torch.get_num_threads() >= 1
    True
    """
    return cpu.get_threads()


def set_num_interop_threads(num_threads: int, /) -> None:
    """Nothing: operations never run beside each other. For PyTorch's name.

    >>> torch.set_num_interop_threads(1)
    """
    _positive("set_num_interop_threads", num_threads)


def get_num_interop_threads() -> int:
    """1: operations never run beside each other.

    >>> torch.get_num_interop_threads()
    1
    """
    return 1


# ----- precision and types -----

_PRECISIONS = ("highest", "high", "medium")


def set_float32_matmul_precision(precision: str) -> None:
    """Say how much precision products may lose on GPUs: "highest" (none), or "high" or "medium",
    which let them use TF32. Those on the CPU never lose any.

    >>> torch.set_float32_matmul_precision("highest")
    """
    if precision not in _PRECISIONS:
        warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
            "set_float32_matmul_precision call has no effect"
        )
    else:
        precision_setting.precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set.

    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    return precision_setting.precision


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype, and device, by a tensor type: `DoubleTensor`, `cuda.FloatTensor`, or
    the name of one, "torch.FloatTensor". Prefer `set_default_dtype` and `set_default_device`.

    Raises TypeError for what is no tensor type of floating numbers.

    >>> torch.set_default_tensor_type("torch.FloatTensor")
    """
    place = getattr(t, "place", None)
    on_gpu = place == "cuda" or (isinstance(t, str) and t.startswith("torch.cuda."))
    name = t.replace(".cuda.", ".") if isinstance(t, str) else t
    dtype = as_dtype(name)
    if name is dtype or not dtype.is_floating_point:
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type, "
            f"got {t!r}"
        )
    if on_gpu:
        backends.backend_for(backends.device("cuda"))  # raises if there is none
    set_default_dtype(dtype)
    backends.set_default_device("cuda" if on_gpu else None)


def set_flush_denormal(mode: bool) -> bool:
    """Whether numbers too small to be normal become 0: False, because it can't be switched here.

    >>> torch.set_flush_denormal(True)
    False
    """
    return False


# ----- warnings -----


def set_warn_always(b: bool, /) -> None:
    """Whether warnings are to come each time: Python's filters say so, and what is set has no
    effect.

    >>> torch.set_warn_always(False)
    """
    global _warn_always
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _warn_always = b


_warn_always = False


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` set.

    >>> torch.is_warn_always_enabled()
    False
    """
    return _warn_always


# ----- others -----


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The model, or function, itself, unchanged: there is no compiler here. Also a decorator.

    >>> model = nn.Linear(2, 1)
    >>> torch.compile(model, mode="reduce-overhead") is model
    True
    """
    if model is None:
        return lambda decorated: decorated
    if not callable(model):
        raise AssertionError("A callable function is expected as model")
    return model


def typename(obj: Any, /) -> str:
    """The name of an object's type with that of its module: "torch.FloatTensor" for tensors.

    >>> torch.typename(torch.ones(1)), torch.typename(3)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", "") or ""
    name = getattr(kind, "__qualname__", type(obj).__name__)
    return name if module in ("", "builtins") else f"{module}.{name}"
