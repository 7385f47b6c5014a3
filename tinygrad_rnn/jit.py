"""TorchScript's decorators, which leave what they decorate as it is: there is no compiler here.

Programs that only speed themselves up with them run; nothing can be saved as a TorchScript file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .nn.module import Module

ScriptModule = Module
Final = Any


def script(obj: Any, *unused: Any, **options: Any) -> Any:
    """The function, class or module itself, unchanged. Options have no effect.

    >>> torch.jit.script(torch.tanh) is torch.tanh
    True
    """
    return obj


def trace(func: Any, example_inputs: Any = None, *unused: Any, **options: Any) -> Any:
    """The function or module itself, unchanged (and not frozen to the path that examples take).

    >>> torch.jit.trace(torch.tanh, torch.ones(1)) is torch.tanh
    True
    """
    return func


def script_method(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The method itself, unchanged.

    >>> torch.jit.script_method(torch.tanh) is torch.tanh
    True
    """
    return fn


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The method itself, unchanged.

    >>> torch.jit.export(torch.tanh) is torch.tanh
    True
    """
    return fn


def unused(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The method itself, unchanged.

    >>> torch.jit.unused(torch.tanh) is torch.tanh
    True
    """
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """The method itself, unchanged; with arguments a decorator.

    >>> torch.jit.ignore(torch.tanh) is torch.tanh
    True
    """
    return drop if callable(drop) else lambda fn: fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value.

    >>> torch.jit.annotate(list[int], [])
    []
    """
    return the_value


def is_scripting() -> bool:
    """False: nothing is compiled.

    >>> torch.jit.is_scripting()
    False
    """
    return False


def is_tracing() -> bool:
    """False: nothing is traced.

    >>> torch.jit.is_tracing()
    False
    """
    return False


def save(m: Any, f: Any, *args: Any, **options: Any) -> NoReturn:
    """Raises RuntimeError: there are no TorchScript files here.

    >>> torch.jit.save(nn.Linear(1, 1), "model.pt")
    Traceback (most recent call last):
    RuntimeError: jit.save(): ... save the state instead: torch.save(model.state_dict(), path)
    """
    raise RuntimeError(
        "jit.save(): TorchScript files can't be written; save the state instead: "
        "torch.save(model.state_dict(), path)"
    )


def load(f: Any, *args: Any, **options: Any) -> NoReturn:
    """Raises RuntimeError: there are no TorchScript files here.

    >>> torch.jit.load("model.pt")
    Traceback (most recent call last):
    RuntimeError: jit.load(): ... torch.load(path)
    """
    raise RuntimeError(
        "jit.load(): TorchScript files can't be read. In PyTorch, save the state: "
        "torch.save(model.state_dict(), path), and read it with torch.load(path)"
    )
