"""Schedules that raise the rate and lower it again, and the momentum the other way (Smith, 2015
and 2018)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from ..optimizer import Group, Optimizer
from .base import LRScheduler, Rate, assign, check_optimizer, one_each, saved_function


class WithMomentum(LRScheduler):
    """The common part: what a group calls its momentum, "momentum" or the first of "betas"."""

    use_beta1: bool
    cycle_momentum: bool

    def _begin_momentum(self, highest: Any, lowest: Any, last_epoch: int) -> None:
        """Check that there is a momentum, and set it to the highest at the start."""
        optimizer = self.optimizer
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        highest = one_each("max_momentum", optimizer, highest)
        lowest = one_each("base_momentum", optimizer, lowest)
        if last_epoch == -1:
            for group, high, low in zip(optimizer.param_groups, highest, lowest, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: Group, value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(WithMomentum):
    """The rate goes straight up from base_lr to max_lr and down again, over and over; step after
    each batch.

    Args:
        optimizer: whose groups get new rates.
        base_lr, max_lr: the lowest and the highest rate, for all groups or one for each.
        step_size_up, step_size_down: steps of the way up, and of that down (None: as many).
        mode: "triangular"; "triangular2" halves the height with each cycle; "exp_range" scales it
            by gamma ** steps.
        scale_fn: a function that scales the height instead, of the number of the cycle, from 1,
            or of steps: scale_mode "cycle" or "iterations".
        cycle_momentum: whether the momentum goes from max_momentum down to base_momentum and up
            again at the same time.

    Raises ValueError for another mode, for a list of another length than there are groups, and
    if the optimizer has no momentum to cycle; TypeError if optimizer is none.

    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, 0.25, 0.75, step_size_up=2)
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = one_each("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                assign(group, "lr", lr)
        self.max_lrs = one_each("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                f"mode is invalid and scale_fn is None: got {mode!r}, expected 'triangular', "
                "'triangular2' or 'exp_range'"
            )
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(max_momentum, base_momentum, last_epoch)
            self.base_momentums = one_each("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_each("max_momentum", optimizer, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """What the height is multiplied by, in cycle or step x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else 1.0

    def get_lr(self) -> list[Rate]:
        self._inside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        done = 1.0 + self.last_epoch / self.total_size - cycle  # of this cycle
        if done <= self.step_ratio:
            height = done / self.step_ratio
        else:
            height = (done - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            limits = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, limits, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        return self._state_with(_scale_fn_custom=saved_function(self._scale_fn_custom))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        rest = dict(state_dict)
        saved = rest.pop("_scale_fn_custom")
        if saved is not None:
            vars(self._scale_fn_custom).update(saved)
        super().load_state_dict(rest)


class OneCycleLR(WithMomentum):
    """The rate rises from max_lr / div_factor to max_lr, then falls to a final_div_factor-th of
    where it began; step after each batch.

    Args:
        optimizer: whose groups get new rates.
        max_lr: the highest rate, for all groups or one for each.
        total_steps: steps of the whole; or else epochs * steps_per_epoch.
        pct_start: the part of them in which the rate rises, a float from 0 to 1.
        anneal_strategy: "cos" or "linear", the way up and down.
        cycle_momentum: whether the momentum goes from max_momentum down to base_momentum and up
            again at the same time; base_momentum, max_momentum: for all groups or one for each.
        div_factor, final_div_factor: see above.
        three_phase: fall to where it began as fast as it rose, and only then further.

    Raises ValueError for options out of range, for a list of another length than there are
    groups, if the optimizer has no momentum to cycle, and in a step beyond the last; TypeError if
    optimizer is none.

    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=10)
    >>> rates = scheduler.get_last_lr(); optimizer.step(); scheduler.step(); scheduler.step()
    >>> rates, scheduler.get_last_lr()
    ([0.020...], [0.5])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is not None:
            self.total_steps = _positive("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = _positive("epochs", epochs)
            self.total_steps *= _positive("steps_per_epoch", steps_per_epoch)
        else:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        top, end = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        self._schedule_phases = [_phase(top, "initial_lr", "max_lr", "max", "base")]
        if three_phase:
            self._schedule_phases += [
                _phase(
                    float(2 * pct_start * self.total_steps) - 2,
                    "max_lr",
                    "initial_lr",
                    "base",
                    "max",
                ),
                _phase(end, "initial_lr", "min_lr", "max", "max"),
            ]
        else:
            self._schedule_phases += [_phase(end, "max_lr", "min_lr", "base", "max")]
        self._anneal_func_type = anneal_strategy
        highest = one_each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(max_momentum, base_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._inside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        ends = [phase["end_step"] for phase in self._schedule_phases]
        number = min(bisect_left(ends, step), len(ends) - 1)
        phase, begin = self._schedule_phases[number], ends[number - 1] if number else 0.0
        done = (step - begin) / (ends[number] - begin)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], done))
            if self.cycle_momentum:
                limits = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*limits, done))
        return rates

    def _between(self, start: Any, end: Any, done: float) -> Any:
        if self._anneal_func_type == "linear":
            return (end - start) * done + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value


def _phase(end: float, start_lr: str, end_lr: str, start: str, final: str) -> dict[str, Any]:
    """From one option of a group to another, until step `end`."""
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": f"{start}_momentum",
        "end_momentum": f"{final}_momentum",
    }
