"""Whether operations are recorded, per thread, and the context managers that say so."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any


class _State(threading.local):
    enabled = True  # whether operations are recorded
    inference = False  # in inference_mode, where nothing can switch recording on


state = _State()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require gradients are recorded in this thread.

    >>> torch.is_grad_enabled()
    True
    """
    return state.enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`.

    >>> torch.is_inference_mode_enabled()
    False
    """
    return state.inference


class Mode:
    """Something that is switched on for a block of code, or for each call of a decorated function.

    Of a decorated generator function it is on while the generator runs, not while it waits.
    """

    def __init__(self) -> None:
        self._before: list[Any] = []  # one entry for each `with` that was entered and not left

    def _switch(self) -> Any:
        """Switch it on; returns what `_restore` needs."""
        raise NotImplementedError

    def _restore(self, before: Any) -> None:
        """Switch it off."""
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before.append(self._switch())

    def __exit__(self, *exception: object) -> None:
        self._restore(self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._generator(function)

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            before = self._switch()
            try:
                return function(*args, **kwargs)
            finally:
                self._restore(before)

        return decorated

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            proceed: Callable[[], Any] = functools.partial(next, generator)
            while True:
                before = self._switch()
                try:
                    value = proceed()
                except StopIteration as end:
                    return end.value
                finally:
                    self._restore(before)
                try:
                    proceed = functools.partial(generator.send, (yield value))
                except BaseException as error:  # GeneratorExit, too: the generator has to end
                    proceed = functools.partial(generator.throw, error)

        return decorated


class Setting(Mode):
    """Sets whether operations are recorded."""

    def __init__(self, value: bool) -> None:
        super().__init__()
        self._value = value

    def _switch(self) -> bool:
        before = state.enabled
        state.enabled = self._value and not state.inference
        return before

    def _restore(self, before: bool) -> None:
        state.enabled = before


class _Bare(Setting):
    """A `Setting` that may be used bare as a decorator: ``@no_grad`` as well as ``@no_grad()``."""

    recorded = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # type: ignore[misc]
        return mode(function)

    def __init__(self) -> None:
        super().__init__(self.recorded)


class no_grad(_Bare):
    """Record nothing: a context manager and a decorator.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     print((x * 2).requires_grad)
    False
    """


class enable_grad(_Bare):
    """Record again inside a `no_grad` block: a context manager and a decorator.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     print((x * 2).requires_grad)
    True
    """

    recorded = True


def check_bool(function: str, name: str, value: object) -> None:
    """Raise TypeError for anything else."""
    if not isinstance(value, bool):
        kind = type(value).__name__
        raise TypeError(f"{function}(): argument '{name}' must be bool, not {kind}")


class set_grad_enabled(Setting):
    """Switch recording at once; as a context manager, switch it back at the end of the block.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.set_grad_enabled(False):
    ...     print((x * 2).requires_grad)
    False
    """

    def __init__(self, mode: bool) -> None:
        check_bool("set_grad_enabled", "enabled", mode)
        super().__init__(mode)
        self._outer = super()._switch()

    def __enter__(self) -> None:
        super().__enter__()
        self._before[-1] = self._outer

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self._restore(self._outer)  # it decorates: nothing was to be switched here
        return super().__call__(function)


class inference_mode(Mode):
    """As `no_grad`, and `enable_grad` inside has no effect; ``inference_mode(False)`` records.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.inference_mode():
    ...     print((x * 2).requires_grad, torch.is_inference_mode_enabled())
    False True
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        check_bool("inference_mode", "mode", mode)
        self._mode = mode

    def _switch(self) -> tuple[bool, bool]:
        before = state.enabled, state.inference
        state.enabled, state.inference = not self._mode, self._mode
        return before

    def _restore(self, before: tuple[bool, bool]) -> None:
        state.enabled, state.inference = before
