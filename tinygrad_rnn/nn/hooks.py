"""Calls of a module with hooks around them: before, after, and on the way back.

A module keeps hooks of all kinds in one dict, `_module_hooks`, in the order in which they run.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..autograd import Function
from ..autograd.graph import RemovableHandle, add_hook
from ..autograd.hints import Telling
from ..autograd.trace import refuse
from ..autograd.users import given_to
from ..tensor import Tensor
from ..warning import warn

if TYPE_CHECKING:
    from .module import Module

Grads = tuple[Tensor | None, ...]


@dataclass(eq=False)
class Hook:
    """A user's function, and when it is to be called."""

    kind: str
    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False
    older: bool = False  # of PyTorch's older kind, whose methods begin with an underscore

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"a hook must be callable, not {type(self.function).__name__}")

    def __call__(self, *args: Any) -> Any:
        return given_to(self.function, "a hook", *args)


EVERYWHERE: dict[int, Hook] = {}  # the hooks of all modules, which run before a module's own


class HooksOfKind(MutableMapping[int, Callable[..., Any]]):
    """The hooks of one kind that a module has, as PyTorch shows them: functions by number."""

    def __init__(self, hooks: dict[int, Hook], kind: str) -> None:
        self._hooks, self._kind = hooks, kind

    def __iter__(self) -> Iterator[int]:
        return iter([key for key, hook in self._hooks.items() if hook.kind == self._kind])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, key: int) -> Callable[..., Any]:
        if key not in list(self):
            raise KeyError(key)
        return self._hooks[key].function

    def __setitem__(self, key: int, function: Callable[..., Any]) -> None:
        self._hooks[key] = Hook(self._kind, function)

    def __delitem__(self, key: int) -> None:
        self[key]
        del self._hooks[key]

    def __repr__(self) -> str:
        return f"{OrderedDict(self)}"


def _hooks_property(kind: str) -> property:
    """An attribute for the hooks of a kind. Assigned a dict, it replaces them."""

    def get(module: Hooked) -> HooksOfKind:
        return HooksOfKind(module._module_hooks, kind)

    def replace(module: Hooked, hooks: Mapping[int, Callable[..., Any]]) -> None:
        new = dict(hooks)
        get(module).clear()
        get(module).update(new)

    return property(get, replace)


class Hooked(Telling):
    """The part of `Module` that registers hooks."""

    _module_hooks: dict[int, Hook]
    _forward_pre_hooks = _hooks_property("forward_pre")
    _forward_hooks = _hooks_property("forward")
    _backward_pre_hooks = _hooks_property("backward_pre")
    _backward_hooks = _hooks_property("backward")

    def _register_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        hooks = self._module_hooks
        handle = add_hook(hooks, hook)
        if prepend:
            for key in list(hooks)[:-1]:
                hooks[key] = hooks.pop(key)
        return handle

    def _hooks_of(self, kind: str) -> list[Hook]:
        """The hooks of one kind, in the order in which they run."""
        hooks = [*EVERYWHERE.values(), *self._module_hooks.values()]
        return [hook for hook in hooks if hook.kind == kind]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before `forward`; what it returns replaces the arguments.
        With with_kwargs it is ``hook(module, args, kwargs)`` and returns both, or None."""
        return self._register_hook(Hook("forward_pre", hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after `forward`; what it returns replaces the
        output. With with_kwargs it is ``hook(module, args, kwargs, output)``; with always_call
        it runs even if the call raises."""
        return self._register_hook(Hook("forward", hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are known, a
        tuple; what it returns replaces them."""
        return self._register_hook(Hook("backward_pre", hook), prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)``, two tuples, when the gradients of the
        positional arguments are known; what it returns replaces grad_input."""
        return self._register_hook(Hook("backward", hook), prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` for the last operation of the module
        alone: grad_input are the gradients of that operation's inputs, which may be parameters.
        Deprecated: prefer `register_full_backward_hook`.

        >>> layer, seen = nn.Linear(3, 2), []
        >>> handle = layer.register_backward_hook(lambda _layer, ins, _outs: seen.extend(ins))
        >>> layer(torch.ones(1, 3)).sum().backward(); [grad is None for grad in seen]
        [False, True, False]
        """

        def watch(module: Any, _args: Any, output: Any) -> None:
            while not isinstance(output, Tensor):
                output = next(iter(output.values())) if isinstance(output, dict) else output[0]
            if output.grad_fn is not None:
                output.grad_fn.register_hook(functools.partial(hook, module))

        return self.register_forward_hook(watch)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict` collects."""
        return self._register_hook(Hook("state_dict_pre", hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`."""
        return self._register_hook(Hook("state_dict", hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before loading; it may change the dict, which is a copy."""
        return self._register_hook(Hook("load_pre", hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a state dict was loaded."""
        return self._register_hook(Hook("load_post", hook))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As `register_state_dict_post_hook`; what the hook returns replaces the state dict."""
        return self._register_hook(Hook("state_dict", hook, older=True))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """As `register_load_state_dict_pre_hook`, but the hook does not get the module unless
        with_module."""
        return self._register_hook(Hook("load_pre", hook, older=not with_module))


def registered(store: str, module: Module, name: str, member: Any) -> Any:
    """What becomes a module's member: what hooks on all registrations make of it."""
    for hook in list(EVERYWHERE.values()):
        if hook.kind == store and (member is not None or store != "_parameters"):
            changed = hook(module, name, member)
            member = member if changed is None else changed
    return member


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` with the module's hooks."""
    refuse("a module's hook is called")
    after = module._hooks_of("forward")
    must_run = [hook for hook in after if hook.always_call]
    output = None
    try:
        for hook in module._hooks_of("forward_pre"):
            args, kwargs = _before(hook, module, args, kwargs)
        backward = _BackwardHooks(module)
        output = module.forward(*backward.watch_inputs(args), **kwargs)
        for hook in after:
            if hook.always_call:
                must_run.remove(hook)
            output = _after(hook, module, args, kwargs, output)
        return backward.watch_outputs(output)
    except Exception:
        for hook in must_run:
            try:
                output = _after(hook, module, args, kwargs, output)
            except Exception as error:
                warn(
                    f"a forward hook of {type(module).__name__} with always_call=True raised "
                    f"{error!r}, behind the error that the call itself raises"
                )
        raise


def _before(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook(module, args)
        if changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs
    changed = hook(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise RuntimeError(
            "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
            f"{changed}."
        )
    return changed


def _after(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
) -> Any:
    given = (args, kwargs, output) if hook.with_kwargs else (args, output)
    changed = hook(module, *given)
    return output if changed is None else changed


class _BackwardHooks:
    """The backward hooks of one call of a module.

    The tensors that go into the module and those that come out of it pass through a gate each,
    where the gradients are seen on their way back: first at the outputs, then at the inputs.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.at_outputs = module._hooks_of("backward_pre")
        self.at_inputs = module._hooks_of("backward")
        self.inputs = 0  # how many arguments there are
        self.inputs_watched = False
        self.grad_output: Grads = ()

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = len(args)
        if not self.at_inputs:
            return args
        watched = _through_gate(args, self._inputs_reached, materialize=True)
        self.inputs_watched = watched is not args
        return watched

    def watch_outputs(self, output: Any) -> Any:
        if not (self.at_inputs or self.at_outputs):
            return output
        outputs = output if isinstance(output, tuple) else (output,)
        if not any(isinstance(o, Tensor) for o in outputs):
            warn(
                f"backward hooks of {type(self.module).__name__} are not called: they need the "
                f"module to return a Tensor or a tuple of Tensors, not {type(output).__name__}"
            )
        outputs = _through_gate(outputs, self._outputs_reached, materialize=False)
        return outputs if isinstance(output, tuple) else outputs[0]

    def _outputs_reached(self, grads: Grads) -> Grads:
        for hook in self.at_outputs:
            grads = _replaced("pre hook", "grad_output", grads, hook(self.module, grads))
        self.grad_output = grads
        if not self.inputs_watched:  # no gradient will arrive there
            for hook in self.at_inputs:
                changed = hook(self.module, (None,) * self.inputs, grads)
                if changed is not None and any(g is not None for g in changed):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
        return grads

    def _inputs_reached(self, grads: Grads) -> Grads:
        grad_output, self.grad_output = self.grad_output, ()
        for hook in self.at_inputs:
            changed = hook(self.module, grads, grad_output)
            grads = _replaced("hook", "grad_input", grads, changed)
        return grads


def _replaced(hook: str, what: str, grads: Grads, changed: Any) -> Grads:
    """What a hook returned in place of the gradients; they themselves if that is None."""
    if changed is None:
        return grads
    if not isinstance(changed, tuple):
        changed = (changed,)
    if len(changed) != len(grads):
        raise RuntimeError(
            f"Backward {hook} returned an invalid number of {what}, got {len(changed)}, but "
            f"expected {len(grads)}"
        )
    return changed


class BackwardHookFunction(Function):
    """The identity on tensors; their gradients, all at once, pass through a function."""

    @staticmethod
    def forward(ctx: Any, function: Any, materialize: bool, *tensors: Tensor) -> Any:
        ctx.function = function
        ctx.set_materialize_grads(materialize)
        ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return (None, None, *ctx.function(grads))


def _through_gate(
    values: tuple[Any, ...], function: Callable[[Grads], Grads], *, materialize: bool
) -> tuple[Any, ...]:
    """The values, with a gate before all tensors among them; themselves if no gradient will flow.

    `function` gets and returns a gradient for each value, None for those that are no tensors.
    With `materialize` it gets zeros for tensors that were not used, else None for them too.
    """
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]

    def spread(grads: Grads) -> Grads:
        arrived = dict(zip(places, grads, strict=True))
        changed = function(tuple(arrived.get(i) for i in range(len(values))))
        return tuple(changed[i] for i in places)

    tensors = tuple(values[i] for i in places)
    passed = BackwardHookFunction.apply(spread, materialize, *tensors)
    if not passed or passed[0] is tensors[0]:
        return values
    result = list(values)
    for i, alias in zip(places, passed, strict=True):
        result[i] = alias
    return tuple(result)
