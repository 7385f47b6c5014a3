"""`LRScheduler`: counts epochs, and writes the rate of each into the optimizer's groups."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

from ...autograd.hints import TellingAll
from ...tensor import Tensor
from ...warning import warn
from ..optimizer import Group, Optimizer

Rate = float | Tensor


class LRScheduler(TellingAll):
    """Derive from it and write `get_lr`, the rate of each group in epoch `last_epoch`.

    Args:
        optimizer: whose groups get new rates under "lr"; a rate that is a tensor is changed in
            place.
        last_epoch: -1 at the start of training. To go on with a training whose optimizer was
            loaded, the number of its last epoch.

    Attributes:
        base_lrs: the rate of each group at the start.
        last_epoch: counts the steps, from 0.

    Raises TypeError if optimizer is none, KeyError to go on with groups that lack "initial_lr".

    >>> class Harmonic(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / (1 + self.last_epoch) for lr in self.base_lrs]
    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    >>> scheduler = Harmonic(optimizer)
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.25]
    """

    _may_be_none = False
    _step_count: int
    _last_lr: list[Rate]
    _is_initial = False  # inside the step that the constructor makes
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming "
                    "scheduler with last_epoch >= 0: load the optimizer's state dict first, or "
                    "begin with last_epoch=-1"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Write the rate of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_last_lr(self) -> list[Rate]:
        """The rate of each group that the last step wrote."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The rate of each group in epoch `last_epoch`: what `step` will write."""
        raise NotImplementedError(f"{type(self).__name__} needs a method get_lr")

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch, or to the one given. Warns if the optimizer has made no step
        yet: the first rate would never be used."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order: `optimizer.step()` before `lr_scheduler.step()`, or the first "
                "value of the learning rate schedule is skipped",
                UserWarning,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            rates = closed_form() if epoch is not None and closed_form else self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._write(rates)

    def _write(self, rates: Sequence[Rate]) -> None:
        """Give each group its rate."""
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            assign(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    def _inside_step(self) -> None:
        """Warn where `get_lr` is called by others than `step`: it may compute the rate anew."""
        if not self._get_lr_called_within_step:
            warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
            )

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer: save the optimizer's own state dict beside it."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def _state_with(self, **saved: Any) -> dict[str, Any]:
        """The attributes, with others in the place of some; they are the last, as in PyTorch."""
        state = LRScheduler.state_dict(self)
        return {**{name: value for name, value in state.items() if name not in saved}, **saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called, here or in PyTorch. Load the optimizer's, too."""
        vars(self).update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    """Raise TypeError unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_of_epoch() -> None:
    warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
        "possible. Please use `scheduler.step()` to step the scheduler",
        UserWarning,
    )


# ----- options of groups -----


def copied(value: Any) -> Any:
    """A copy of a tensor; anything else as it is."""
    return value.clone() if isinstance(value, Tensor) else value


def values(optimizer: Optimizer, name: str) -> list[Any]:
    """That option of each group."""
    return [copied(group[name]) for group in optimizer.param_groups]


def assign(group: Group, name: str, value: Any) -> None:
    """Set an option; one that is a tensor is changed in place."""
    if isinstance(group[name], Tensor):
        group[name].fill_(float(value))
    else:
        group[name] = value


def one_each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each group: those of a list, or the same for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [copied(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {count}."
        )
    return [copied(item) for item in value]


# ----- functions in states -----


def saved_function(function: Any) -> dict[str, Any] | None:
    """What a state dict keeps of a function: the attributes of an object, nothing of a def."""
    if function is None or isinstance(function, FunctionType):
        return None
    return copy.copy(vars(function))
