"""Parametrisations: an attribute of a module that is computed, at each access, by other modules
from the parameters that are trained."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from ...autograd import no_grad
from ...tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

M = TypeVar("M", bound=Module)

_cache: dict[tuple[int, str], Tensor] | None = None  # while `cached` is active


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """While this context is active, each parametrised tensor is computed once only.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> with nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    global _cache
    outer = _cache
    _cache = {} if outer is None else outer
    try:
        yield
    finally:
        _cache = outer


class ParametrizationList(ModuleList):
    """The modules that compute a tensor, one after the other, and the tensor that the first of them
    gets, as `original`; original0, original1, ... if it gets several.

    Raises ValueError without modules, and if dtype or shape of the result differ from the
    original's, unless `unsafe`.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> type(layer.parametrizations.weight).__name__
    'ParametrizationList'
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new: Any = original
        with no_grad():
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            _check_same("When `right_inverse` outputs one tensor, it", original, new)
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                        f"tuple...). Got element {i} of the sequence with type "
                        f"{type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part.detach(), original.requires_grad)
                _register(self, f"original{i}", part.requires_grad_(original.requires_grad))
        if not unsafe:
            _check_result("Registering a parametrization", self(), shape, dtype)

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the result is this value. Raises RuntimeError if one has no
        `right_inverse`, ValueError for one that gives something else."""
        found: Any = value
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                found = module.right_inverse(found)
        parts = (found,) if self.is_tensor else found
        if not isinstance(parts, Sequence) or len(parts) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got "
                f"{type(found).__name__}"
            )
        for old, part in zip(self._originals(), parts, strict=True):
            if not isinstance(part, Tensor) or part.dtype is not old.dtype:
                got = part.dtype if isinstance(part, Tensor) else type(part).__name__
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {got} while `original` has "
                    f"dtype {old.dtype}"
                )
            old.data = part.detach()

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Tensor:
        first, *others = self
        x = first(*self._originals())
        for module in others:
            x = module(x)
        return x


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_same(what: str, old: Tensor, new: Tensor) -> None:
    for name in ("dtype", "device"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            raise ValueError(f"{what} may not change the {name}, but {before} became {after}")


def _check_result(what: str, result: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for name, before, after in (("dtype", dtype, result.dtype), ("shape", shape, result.shape)):
        if before != after:
            raise ValueError(
                f"{what} may not change the {name} of the tensor, unless the `unsafe` flag is "
                f"enabled: {before} became {after}"
            )


class _Parametrized(Module):
    """The part of a parametrised module's class that computes its attributes."""

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__.get("_modules", {}).get("parametrizations", ())
        if name not in found:
            return super().__getattr__(name)
        if _cache is None:
            return found[name]()
        key = id(self), name
        if key not in _cache:
            _cache[key] = found[name]()
        return _cache[key]

    def __setattr__(self, name: str, value: Any) -> None:
        found = self.__dict__.get("_modules", {}).get("parametrizations", ())
        if name not in found:
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            raise KeyError(f"attribute '{name}' already exists: assign a plain tensor")
        else:
            found[name].right_inverse(value)


@functools.cache
def _parametrized(cls: type[Module]) -> type[Module]:
    return type(f"Parametrized{cls.__name__}", (_Parametrized, cls), {})


def register_parametrization(
    module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> M:
    """Let a parameter or buffer of a module be computed by another module, whose `forward` gets the
    original tensor, at each access.

    A parametrization with a method `right_inverse` allows to assign to the attribute, and starts
    from its present value. Further ones are put behind the first. The trained parameter is
    module.parametrizations[tensor_name].original. Returns the module. Raises ValueError without
    such a tensor, and if dtype or shape change (unless `unsafe`).

    >>> class Positive(nn.Module):
    ...     def forward(self, x):
    ...         return x.exp()
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(2, 2), "bias", Positive())
    >>> bool((layer.bias > 0).all()), "parametrizations.bias.original" in layer.state_dict()
    (True, True)
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_addition(getattr(module, tensor_name), parametrization)
        present: Any = module.parametrizations[tensor_name]
        present.append(parametrization)
        present.unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        cls: Any = type(module)
        module.__class__ = _parametrized(cls)  # type: ignore[assignment]
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = made
    return module


def _check_addition(value: Tensor, parametrization: Any) -> None:
    """Raise ValueError for a further parametrization that changes dtype or shape."""
    result = parametrization(value)
    _check_result("Registering a parametrization", result, value.shape, value.dtype)
    if hasattr(parametrization, "right_inverse"):
        with contextlib.suppress(NotImplementedError):
            back = parametrization.right_inverse(result)
            _check_result("parametrization.right_inverse", back, value.shape, value.dtype)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has a parametrised tensor, or one of that name.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(2, 3))
    False
    """
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a parametrised tensor an ordinary one again: with its computed value, or with
    leave_parametrized=False the original's.

    Returns the module. Raises ValueError if it is not parametrised, and for the original of one
    that is computed from several.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=3, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    made: Any = module.parametrizations[tensor_name]
    if made.is_tensor:
        tensor = made.original
        if leave_parametrized:
            with no_grad():
                tensor.data = made().detach()
    elif leave_parametrized:
        tensor = made()
        tensor = Parameter(tensor.detach()) if tensor.requires_grad else tensor
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type_before_parametrizations(module)
    _register(module, tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type:
    """A module's class without its parametrisations.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> nn.utils.parametrize.type_before_parametrizations(layer) is nn.Linear
    True
    """
    return type(module).__bases__[1] if isinstance(module, _Parametrized) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: M, tensor_name: str | None = None
) -> M:
    """Give to_module the parametrisations of from_module (all, or that of one tensor), and the same
    originals. Returns to_module.

    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3))
    >>> other = nn.utils.parametrize.transfer_parametrizations_and_params(layer, nn.Linear(2, 3))
    >>> nn.utils.parametrize.is_parametrized(other, "weight")
    True
    """
    if is_parametrized(from_module):
        names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
        for name in names:
            if not hasattr(to_module, name):
                value = getattr(from_module, name).detach()
                to_module.register_parameter(name, Parameter(value))
            source: Any = from_module.parametrizations[name]
            for parametrization in source:
                register_parametrization(to_module, name, parametrization)
            target: Any = to_module.parametrizations[name]
            for member, original in source.named_parameters(recurse=False):
                setattr(target, member, original)
    return to_module
