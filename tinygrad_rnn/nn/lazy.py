"""Modules that learn the sizes of their parameters from the first input they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from ..tensor import Tensor
from .module import Module
from .parameter import is_lazy


class LazyModuleMixin(Module):
    """Write it before a module's class: ``class LazyLinear(LazyModuleMixin, Linear)``.

    The constructor leaves parameters as `UninitializedParameter`, `initialize_parameters` gives
    them shapes. It is called with the arguments of the first call, and the module then becomes
    `cls_to_become`. Loading a state dict gives them shapes, too.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(_initialize, with_kwargs=True)
        self._load_hook = self.register_load_state_dict_pre_hook(_materialize)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        lazy = {name: buffer for name, buffer in self._buffers.items() if is_lazy(buffer)}
        super()._apply(fn, recurse)
        for name, buffer in lazy.items():  # which an ordinary tensor has replaced
            changed: Any = self._buffers[name]
            buffer._array = changed._array  # type: ignore[union-attr]
            self._buffers[name] = buffer
        return self

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes. Override it."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        return any(map(is_lazy, (*self._parameters.values(), *self._buffers.values())))


def _initialize(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Before the first call of a lazy module: make an ordinary one of it."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {type(module).__name__} has not been fully initialized")
    module._initialize_hook.remove()
    module._load_hook.remove()
    del module._initialize_hook, module._load_hook
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


def _materialize(module: Any, state: Mapping[str, Any], prefix: str, *_: Any) -> None:
    """Before a state dict is loaded: give what has no shape that of the value."""
    for name, param in (*module._parameters.items(), *module._buffers.items()):
        value = state.get(prefix + name)
        if is_lazy(param) and value is not None and not is_lazy(value):
            param.materialize(tuple(value.shape))
