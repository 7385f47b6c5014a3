"""`Optimizer`: parameters in groups with their options, and what is remembered of each."""

from __future__ import annotations

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..autograd import enable_grad
from ..autograd.graph import RemovableHandle, add_hook
from ..autograd.hints import Telling, told
from ..backends import Array
from ..backends.capture import capture
from ..creation import from_dlpack
from ..tensor import Tensor
from ..warning import warn

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]
Group = dict[str, Any]
State = dict[str, Any]
Hooks = dict[int, Any]

# State that is one number for a whole parameter: on the CPU, in a precision of its own.
_SCALARS = frozenset({"step", "mu", "eta", "mu_product"})


class _Required:
    """For own optimizers: the default of an option that has none, as in ``lr=required``."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """An optimizer's method `step` with the hooks around it."""

    @functools.wraps(step)
    def with_hooks(*args: Any, **kwargs: Any) -> Any:
        self: Optimizer = args[0]
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"a step pre hook must return None or a tuple (new_args, new_kwargs), got "
                    f"{changed}"
                )
            args, kwargs = changed
        result = step(*args, **kwargs)
        self._opt_called = True
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return with_hooks


class Optimizer(Telling):
    """Derive from it, pass the default options to ``super().__init__(params, defaults)``, and
    write `update`, the step of one parameter, or a `step` of your own.

    Args:
        params: tensors of any shape, or (name, tensor) pairs, or dicts, one for each group, with
            the tensors under "params" and options that differ from the defaults.
        defaults: the options by name.

    Attributes:
        param_groups: a dict per group: "params" and all options. Change options here, e.g. "lr".
        state: for each parameter a dict of what is remembered between steps: averages of its shape,
            the number of steps as a scalar tensor, ...

    Raises TypeError if params are no ordered collection of tensors, ValueError if there are none,
    one is no leaf of the graph, or one is in two groups.

    >>> class SignDescent(optim.Optimizer):
    ...     def update(self, param, grad, state, group):
    ...         param._array[...] -= group["lr"] * (grad > 0)
    >>> x = torch.ones(2, requires_grad=True)
    >>> optimizer = SignDescent([x], {"lr": 0.5})
    >>> (x[0] ** 2).backward(); optimizer.step(); x.tolist()
    [0.5, 1.0]
    """

    in_graphs = False  # whether a captured step follows its options and counts steps in replays
    _opt_called = False  # whether a step was made; schedulers want one before theirs

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {params.type()}: put it in a list"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._step_pre_hooks: Hooks = {}
        self._step_post_hooks: Hooks = {}
        self._save_pre_hooks: Hooks = {}
        self._save_post_hooks: Hooks = {}
        self._load_pre_hooks: Hooks = {}
        self._load_post_hooks: Hooks = {}
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: model.parameters() is good for one loop"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, ``{"params": ..., "lr": 0.1}``.

        Raises as the constructor does.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError("param_group lacks 'params', the parameters to optimize")
        group = dict(param_group)
        group["params"], names = _checked_params(group["params"])
        if names:
            group["param_names"] = names
        for name, value in self.defaults.items():
            if value is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, value)
        own = set(group["params"])
        if len(own) < len(group["params"]):
            warn(
                "optimizer contains a parameter group with duplicate parameters: each is updated "
                "once for every time it is listed"
            )
        for other in self.param_groups:
            if ("param_names" in other) != bool(names):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param "
                    f"group {'with' if names else 'without'} names to the optimizer"
                )
            if not own.isdisjoint(other["params"]):
                raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    # ----- steps -----

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters; with set_to_none=False make them zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if set_to_none:
                    param.grad = None
                else:
                    param.grad.detach_().zero_()

    @_hooked
    @told
    def step(self, closure: Closure | None = None) -> Any:
        """Change every parameter that has a gradient. Returns what `closure` returns, which is
        called first, if it is given: it is to compute the gradients anew, and return the loss.

        If memory runs out, MemoryError says so: parameters up to some point have made the step,
        those behind it have not, and all go on from there at the next step.
        """
        if capture.work is not None and not self.in_graphs:
            raise RuntimeError(
                "Attempting CUDA graph capture of step() for an instance of "
                f"{type(self).__name__}, whose replays would repeat the numbers of this step; SGD, "
                "Adam and AdamW can be captured"
            )
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self.update(param, param.grad._array, self.state[param], group)
                    param._changes[0] += 1
        return loss

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        """Change `param._array` in place, by its gradient, an array that must stay as it is.

        `state` is the parameter's own dict, kept between steps, with tensors and numbers as its
        values; `group` has the options.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update")

    # ----- hooks -----

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step, with the arguments of `step`
        (the first is the optimizer); what it returns, if anything, takes their place."""
        return add_hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return add_hook(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[[Any], None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before `state_dict`; before the other hooks to `prepend` it."""
        return _added(self._save_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after `state_dict`; what it returns, if anything,
        takes the dict's place."""
        return _added(self._save_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before `load_state_dict`; what it returns, if
        anything, is loaded instead."""
        return _added(self._load_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[[Any], None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after `load_state_dict`."""
        return _added(self._load_post_hooks, hook, prepend)

    # ----- state -----

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {number: {...}}, "param_groups": [{..., "params": [numbers]}]}``: parameters
        are counted over all groups. The tensors are the optimizer's own, not copies."""
        for hook in list(self._save_pre_hooks.values()):
            hook(self)
        numbers: dict[Tensor, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(param, len(numbers))
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[p] for p in group["params"]]})
        state = {numbers[param]: dict(values) for param, values in self.state.items() if values}
        result = {"state": state, "param_groups": groups}
        for hook in list(self._save_post_hooks.values()):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take options and a copy of the state from what `state_dict` returned, here or in PyTorch.

        Parameters correspond by their order. Tensors are cast and moved to what the parameter
        has. Raises ValueError if the number of groups, or of parameters in one, is another.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"load_state_dict(): state_dict must be a dict, got {type(state_dict).__name__}"
            )
        state_dict = dict(state_dict)  # hooks may change it
        for hook in list(self._load_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved)}, the optimizer has {len(self.param_groups)}"
            )
        for number, (theirs, ours) in enumerate(zip(saved, self.param_groups, strict=True)):
            if len(theirs["params"]) != len(ours["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group: group {number} has {len(theirs['params'])} parameters, "
                    f"here it has {len(ours['params'])}"
                )
        self.state = defaultdict(dict)
        for theirs, ours in zip(saved, self.param_groups, strict=True):
            params = ours["params"]
            for number, param in zip(theirs["params"], params, strict=True):
                for name, value in state_dict["state"].get(number, {}).items():
                    self.state[param][name] = _loaded(value, None if name in _SCALARS else param)
            ours.update({k: _loaded(v, None) for k, v in theirs.items() if k != "params"})
        self.__setstate__({"state": self.state, "param_groups": self.param_groups})
        for hook in list(self._load_post_hooks.values()):
            hook(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over attributes that were loaded, or pickled. Derived classes do so and then give
        groups that lack a newer option its default."""
        self.__dict__.update(state)

    # ----- as text -----

    def __repr__(self) -> str:
        groups = []
        for number, group in enumerate(self.param_groups):
            lines = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            groups.append(f"\nParameter Group {number}\n" + "".join(lines))
        return f"{type(self).__name__} ({''.join(groups)})"


def _checked_params(params: Any) -> tuple[list[Tensor], list[str]]:
    """The tensors of a group, and their names if they are given."""
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering "
            "of tensors in sets will change between runs. Please use a list instead."
        )
    listed = [params] if isinstance(params, Tensor) else list(params)
    names = [item[0] for item in listed if isinstance(item, tuple)]
    if names and len(names) < len(listed):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    tensors = [item[1] for item in listed] if names else listed
    for param in tensors:
        if not isinstance(param, Tensor):
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is "
                f"{type(param).__name__}"
            )
        if not (param.is_leaf or param.retains_grad):
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {list(param.shape)} is the "
                f"result of {param.grad_fn.name()}"
            )
    return tensors, names


def _added(hooks: Hooks, hook: Any, prepend: bool) -> RemovableHandle:
    """Store `hook` behind the others, or before them."""
    others = dict(hooks) if prepend else {}
    handle = add_hook(hooks, hook)
    for number in others:
        hooks[number] = hooks.pop(number)
    return handle


def _loaded(value: Any, param: Tensor | None) -> Any:
    """A value of a loaded state, copied; tensors in the parameter's dtype and on its device."""
    if not isinstance(value, Tensor):
        if type(value) in (list, tuple):
            return type(value)(_loaded(item, param) for item in value)
        if not hasattr(value, "__dlpack__"):
            return copy.deepcopy(value)
        value = from_dlpack(value)  # PyTorch's or NumPy's
    value = value.detach()
    return value.clone() if param is None else value.to(param.device, param.dtype, copy=True)
