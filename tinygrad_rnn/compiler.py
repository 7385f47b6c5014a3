"""PyTorch's names around `torch.compile`, which compiles nothing here: all run as written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .autograd.grad_mode import Mode
from .creation import as_tensor
from .settings import compile as compile
from .tensor import Tensor


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function or module itself, unchanged. Also a decorator, with arguments or without.

    >>> torch.compiler.disable(torch.tanh) is torch.tanh
    True
    """
    return fn if fn is not None else lambda decorated: decorated


def allow_in_graph(fn: Any) -> Any:
    """The function, or the functions of a list, unchanged.

    >>> torch.compiler.allow_in_graph(torch.tanh) is torch.tanh
    True
    """
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, unchanged.

    >>> torch.compiler.assume_constant_result(len) is len
    True
    """
    return fn


def substitute_in_graph(
    original_fn: Callable[..., Any],
    *,
    can_constant_fold_through: bool = False,
    skip_signature_check: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that leaves a function as it is.

    >>> torch.compiler.substitute_in_graph(len)(sum) is sum
    True
    """
    return lambda fn: fn


def wrap_numpy(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function of NumPy's arrays as one of tensors, of any shapes, on the CPU.

    >>> torch.compiler.wrap_numpy(lambda x: x.sum(0))(torch.ones(2, 3))
    tensor([2., 2., 2.])
    """

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        plain = [arg.numpy() if isinstance(arg, Tensor) else arg for arg in args]
        named = {k: v.numpy() if isinstance(v, Tensor) else v for k, v in kwargs.items()}
        return as_tensor(fn(*plain, **named))

    return wrapped


class set_stance(Mode):
    """Says how eagerly to compile, which has no effect: a function, context manager, decorator.

    Raises RuntimeError for a stance that PyTorch does not know.

    >>> with torch.compiler.set_stance("force_eager"): torch.compiler.is_compiling()
    False
    """

    _STANCES = (
        "default",
        "force_eager",
        "eager_on_recompile",
        "fail_on_recompile",
        "eager_then_compile",
        "aot_eager_then_compile",
    )

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: Any = None,
    ) -> None:
        super().__init__()
        if stance not in self._STANCES:
            raise RuntimeError(f"expected a stance of {self._STANCES}, but got {stance!r}")

    def _switch(self) -> None:
        pass

    def _restore(self, before: None) -> None:
        pass


def is_compiling() -> bool:
    """False: nothing is compiled.

    >>> torch.compiler.is_compiling()
    False
    """
    return False


def is_dynamo_compiling() -> bool:
    """False: nothing is compiled.

    >>> torch.compiler.is_dynamo_compiling()
    False
    """
    return False


def is_exporting() -> bool:
    """False: nothing is exported.

    >>> torch.compiler.is_exporting()
    False
    """
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The compilers that there are: none.

    >>> torch.compiler.list_backends()
    []
    """
    return []


def reset() -> None:
    """Nothing: no compiled code is kept.

    >>> torch.compiler.reset()
    """


def cudagraph_mark_step_begin() -> None:
    """Nothing: graphs of a GPU's work are only made where a program asks for them.

    >>> torch.compiler.cudagraph_mark_step_begin()
    """
