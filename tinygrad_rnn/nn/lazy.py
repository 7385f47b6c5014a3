"""Modules that learn the sizes of their parameters from the first input they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from ..creation import empty
from ..dtypes import dtype as DType
from ..tensor import Tensor
from .module import Module
from .parameter import Buffer, Parameter


class UninitializedTensor(Tensor):
    """A tensor of a module whose shape is not known yet."""

    _becomes: type[Tensor]

    def materialize(
        self, shape: tuple[int, ...], device: Any = None, dtype: DType | None = None
    ) -> None:
        """Give it a shape, and with it memory (whose values are undefined), in place."""
        made = empty(tuple(shape), device=device or self.device, dtype=dtype or self.dtype)
        wanted = self.requires_grad
        self.__class__ = self._becomes  # type: ignore[assignment]
        self.requires_grad_(False)
        self._array, self._leaf = made._array, None
        self.requires_grad_(wanted)

    @property
    def shape(self) -> NoReturn:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensor, Parameter):
    """A parameter whose shape is not known yet; `materialize` makes it an ordinary one.

    >>> weight = nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> weight.shape
    torch.Size([2, 3])
    """

    _becomes = Parameter

    def __init__(
        self, requires_grad: bool = True, device: Any = None, dtype: DType | None = None
    ) -> None:
        Parameter.__init__(self, empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        return type(self)(self.requires_grad, self.device, self.dtype)


class UninitializedBuffer(UninitializedTensor, Buffer):
    """A buffer whose shape is not known yet; `materialize` makes it an ordinary one.

    >>> nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    _becomes = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        persistent: bool = True,
    ) -> None:
        Buffer.__init__(self, empty(0, device=device, dtype=dtype), persistent=persistent)
        self.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        return type(self)(self.requires_grad, self.device, self.dtype, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether this is a parameter or buffer without a shape."""
    return isinstance(param, UninitializedTensor)


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

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        lazy = {name: buffer for name, buffer in self._buffers.items() if is_lazy(buffer)}
        super()._apply(fn)
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
