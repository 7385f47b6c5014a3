"""`Optimizer`: parameters in groups with their options, and what is remembered of each."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..autograd import enable_grad
from ..autograd.graph import RemovableHandle, add_hook
from ..backends import Array
from ..creation import from_dlpack, full
from ..dtypes import float32
from ..tensor import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]
Group = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Derive from it, pass the default options to ``super().__init__(params, defaults)``, and
    write `update`, the step of one parameter.

    Args:
        params: tensors, or (name, tensor) pairs, or dicts, one for each group, with the tensors
            under "params" and options that differ from the defaults.
        defaults: the options by name.

    Attributes:
        param_groups: a dict per group: "params" and all options. Change options here, e.g. "lr".
        state: for each parameter a dict of what is remembered between steps.

    Raises TypeError if params are no ordered collection of tensors, ValueError if there are none,
    one is no leaf of the graph, or one is in two groups.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {params.type()}: put it in a list"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._step_hooks: tuple[dict[int, Any], dict[int, Any]] = {}, {}  # before, after
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
        group = dict(param_group)
        group["params"], names = _checked_params(group["params"])
        if names:
            group["param_names"] = names
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        own = set(group["params"])
        if len(own) < len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each is updated "
                "once for every time it is listed",
                stacklevel=3,
            )
        for other in self.param_groups:
            if ("param_names" in other) != bool(names):
                raise ValueError(
                    "all optimizer param groups should be with/without names: "
                    f"got {'named' if names else 'unnamed'} params beside others"
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

    def step(self, closure: Closure | None = None) -> Any:
        """Change every parameter that has a gradient. Returns what `closure` returns, which is
        called first, if it is given: it is to compute the gradients anew, and return the loss."""
        before, after = self._step_hooks
        for hook in list(before.values()):
            hook(self, (closure,), {})
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self.update(param, param.grad._array, self.state[param], group)
                    param._changes[0] += 1
        for hook in list(after.values()):
            hook(self, (closure,), {})
        return loss

    def update(self, param: Tensor, grad: Array, state: State, group: Group) -> None:
        """Change `param._array` in place, by its gradient, an array that must stay as it is.

        `state` is the parameter's own dict, kept between steps, with tensors and numbers as its
        values; `group` has the options.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update")

    def register_step_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step."""
        return add_hook(self._step_hooks[0], hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return add_hook(self._step_hooks[1], hook)

    # ----- state -----

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {number: {...}}, "param_groups": [{..., "params": [numbers]}]}``: parameters
        are counted over all groups. The tensors are the optimizer's own, not copies."""
        numbers: dict[Tensor, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(param, len(numbers))
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[p] for p in group["params"]]})
        state = {numbers[param]: dict(values) for param, values in self.state.items() if values}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take options and a copy of the state from what `state_dict` returned, here or in PyTorch.

        Parameters correspond by their order. Tensors are cast and moved to what the parameter
        has. Raises ValueError if the number of groups, or of parameters in one, is another.
        """
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
                    self.state[param][name] = _loaded(value, None if name == "step" else param)
            ours.update(copy.deepcopy({k: v for k, v in theirs.items() if k != "params"}))

    # ----- as text -----

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([f"{type(self).__name__} (", *lines, ")"])


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


def _loaded(value: Any, param: Tensor | None) -> Any:
    """A value of a loaded state, copied; tensors in the parameter's dtype and on its device."""
    if not isinstance(value, Tensor):
        if not hasattr(value, "__dlpack__"):
            return copy.deepcopy(value)
        value = from_dlpack(value)  # PyTorch's or NumPy's
    value = value.detach()
    return value.clone() if param is None else value.to(param.device, param.dtype, copy=True)


# ----- for optimizers -----


def at_least_zero(label: str, value: Any) -> None:
    """Raise ValueError for a number below 0, TypeError for what is no number."""
    if not isinstance(value, int | float | Tensor):
        raise TypeError(f"Invalid {label}: expected a number, got {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"Invalid {label}: {value}, expected a number >= 0")


def check_common(lr: Any, weight_decay: Any, differentiable: bool) -> None:
    """The checks of options that all optimizers share."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(lr.shape)}")
    at_least_zero("learning rate", lr)
    at_least_zero("weight_decay value", weight_decay)
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not supported: to differentiate through a step, write it in "
            "tensor operations"
        )


def directed(grad: Array, x: Array, group: Group) -> Array:
    """The gradient of what is to be minimised: turned round for `maximize`, plus weight decay.

    It is the given array if there is neither.
    """
    decay = float(group["weight_decay"])
    if group["maximize"]:
        grad = -grad
    if not decay:
        return grad
    result = x * decay
    result += grad
    return result


def count_step(state: State) -> int:
    """Add 1 to the state's "step", which is a tensor as in PyTorch, and return it."""
    step = state["step"] if "step" in state else full((), 0.0, dtype=float32)
    state["step"] = step + 1
    return int(state["step"])


def average_in(average: Array, new: Array, kept: float) -> None:
    """Make a running average kept * average + (1 - kept) * new, in place."""
    average *= kept
    average += new * (1 - kept)
