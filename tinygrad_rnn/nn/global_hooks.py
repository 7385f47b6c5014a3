"""Hooks of all modules at once, which PyTorch has in ``nn.modules.module``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.graph import RemovableHandle, add_hook
from .hooks import EVERYWHERE, Hook

Function = Callable[..., Any]


def _register(kind: str, function: Function, **options: bool) -> RemovableHandle:
    return add_hook(EVERYWHERE, Hook(kind, function, **options))


def register_module_forward_pre_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, args)`` before the `forward` of every module, whatever the shapes of its
    arguments; what it returns replaces them. It runs before the module's own hooks.

    >>> module = nn.modules.module
    >>> with module.register_module_forward_pre_hook(lambda m, args: print(type(m).__name__)):
    ...     _ = nn.Sequential(nn.Tanh())(torch.ones(1))
    Sequential
    Tanh
    """
    return _register("forward_pre", hook)


def register_module_forward_hook(
    hook: Function, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the `forward` of every module, whatever the shapes;
    what it returns replaces the output. For the options see `Module.register_forward_hook`.

    >>> module = nn.modules.module
    >>> with module.register_module_forward_hook(lambda m, args, output: output + 1):
    ...     print(nn.Identity()(torch.ones(2)))
    tensor([2., 2.])
    """
    return _register("forward", hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_pre_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` of every module when the gradients of its outputs are
    known, of their shapes; what it returns replaces them.

    >>> x = torch.ones(1, requires_grad=True)
    >>> with nn.modules.module.register_module_full_backward_pre_hook(lambda m, g: print(g)):
    ...     nn.Tanh()(x).backward()
    (tensor([1.]),)
    """
    return _register("backward_pre", hook)


def register_module_full_backward_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` of every module when the gradients of its
    arguments are known, of their shapes; what it returns replaces grad_input.

    >>> x = torch.ones(1, requires_grad=True)
    >>> with nn.modules.module.register_module_full_backward_hook(lambda m, i, o: print(i)):
    ...     nn.Identity()(x).backward()
    (tensor([1.]),)
    """
    return _register("backward", hook)


register_module_backward_hook = register_module_full_backward_hook


def register_module_parameter_registration_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, name, param)`` when any module gets a parameter, of any shape; what it
    returns takes the parameter's place.

    >>> module = nn.modules.module
    >>> with module.register_module_parameter_registration_hook(lambda m, name, p: print(name)):
    ...     _ = nn.Linear(2, 3)
    weight
    bias
    """
    return _register("_parameters", hook)


def register_module_buffer_registration_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when any module gets a buffer, of any shape; what it
    returns takes the buffer's place.

    >>> module = nn.modules.module
    >>> with module.register_module_buffer_registration_hook(lambda m, name, b: print(name)):
    ...     nn.Module().register_buffer("steps", torch.zeros(1))
    steps
    """
    return _register("_buffers", hook)


def register_module_module_registration_hook(hook: Function) -> RemovableHandle:
    """Call ``hook(module, name, child)`` when any module gets a child; what it returns takes the
    child's place. Shapes have no part in it.

    >>> module = nn.modules.module
    >>> with module.register_module_module_registration_hook(lambda m, name, c: print(name, c)):
    ...     _ = nn.Sequential(nn.Tanh())
    0 Tanh()
    """
    return _register("_modules", hook)
