"""TorchScript's decorators, which leave what they decorate as it is: there is no compiler here.

Programs that only speed themselves up with them run; nothing can be saved as a TorchScript file.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from concurrent.futures import Future
from types import NoneType, UnionType
from typing import Any, NamedTuple, NoReturn, Union, get_args, get_origin

from .nn.module import Module

Final = Any


class ScriptModule(Module):
    """A base class for modules that were written to be compiled: as `nn.Module`.

    >>> isinstance(nn.Linear(2, 3), torch.jit.ScriptModule)
    False
    """

    @property
    def original_name(self) -> str:
        """The name of the class."""
        return type(self).__name__


class RecursiveScriptModule(ScriptModule):
    """What PyTorch's `script` makes of a module; nothing is one here.

    >>> isinstance(torch.jit.script(nn.Linear(2, 3)), torch.jit.RecursiveScriptModule)
    False
    """


class ScriptFunction:
    """What PyTorch's `script` makes of a function; nothing is one here.

    >>> isinstance(torch.jit.script(torch.tanh), torch.jit.ScriptFunction)
    False
    """


class Attribute(NamedTuple):
    """A value with the type that TorchScript is to see.

    >>> torch.jit.Attribute(3, int).value
    3
    """

    value: Any
    type: Any


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


def interface(obj: Any) -> Any:
    """The class itself, unchanged.

    >>> torch.jit.interface(dict) is dict
    True
    """
    return obj


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """The module itself, unchanged. Raises RuntimeError while it is training.

    >>> model = nn.Linear(1, 1).eval()
    >>> torch.jit.freeze(model) is model
    True
    """
    if getattr(mod, "training", False):
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() "
            "on your module before freezing."
        )
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """The module itself, unchanged.

    >>> model = nn.Linear(1, 1).eval()
    >>> torch.jit.optimize_for_inference(model) is model
    True
    """
    return mod


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
    """Call the function, now and here: `wait` gives its result, of whatever shape.

    >>> torch.jit.wait(torch.jit.fork(torch.tanh, torch.zeros(1)))
    tensor([0.])
    """
    future: Future = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future) -> Any:
    """The result of what `fork` called, of whatever shape.

    >>> torch.jit.wait(torch.jit.fork(lambda: 3))
    3
    """
    return future.result()


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether the object is of a type, which may say what is in containers: ``list[int]``.

    >>> torch.jit.isinstance([1, 2], list[int]), torch.jit.isinstance([1, 2], list[str])
    (True, False)
    """
    if type(target_type) is tuple:
        return any(isinstance(obj, one) for one in target_type)
    inside = get_args(target_type)
    origin = get_origin(target_type)
    if origin in (Union, UnionType):
        return any(isinstance(obj, one) for one in inside)
    if target_type is None or target_type is NoneType:
        return obj is None
    kind = origin or target_type
    if not builtins.isinstance(obj, kind) or (kind in (int, float) and type(obj) is bool):
        return False
    if not inside:
        return True
    if kind is dict:
        keys, values = inside
        return all(isinstance(k, keys) and isinstance(v, values) for k, v in obj.items())
    if kind is tuple and inside[-1] is not ...:
        fits = zip(obj, inside, strict=False)
        return len(obj) == len(inside) and all(isinstance(one, what) for one, what in fits)
    return all(isinstance(one, inside[0]) for one in obj)


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
