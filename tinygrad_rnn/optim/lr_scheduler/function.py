"""Schedules by functions of the epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...autograd.annotations import fits
from ...autograd.users import given_to
from ..optimizer import Optimizer
from .base import LRScheduler, Rate, saved_function, values

Function = Callable[[int], float]


class ByFunction(LRScheduler):
    """The common part: a function for each group, or one for all. In a state dict are the
    attributes of those that are objects."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Function | Sequence[Function],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups)
        functions = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * count
        if len(functions) != count:
            raise ValueError(f"Expected {count} lr_lambdas, but got {len(functions)}")
        for function in functions:
            if not callable(function):
                raise TypeError(
                    f"lr_lambda should be a function, but got {type(function).__name__}"
                )
        self.lr_lambdas: list[Any] = functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        return self._state_with(lr_lambdas=[saved_function(f) for f in self.lr_lambdas])

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        rest = dict(state_dict)
        for function, saved in zip(self.lr_lambdas, rest.pop("lr_lambdas"), strict=True):
            if saved is not None:
                vars(function).update(saved)
        super().load_state_dict(rest)

    def _times(self, rates: list[Rate]) -> list[Rate]:
        """Each rate times what its function returns for this epoch."""
        new = []
        for function, rate in zip(self.lr_lambdas, rates, strict=True):
            factor = given_to(function, "lr_lambda", self.last_epoch)
            if not fits(factor, float):
                raise TypeError(f"lr_lambda must return a number, not {type(factor).__name__}")
            new.append(rate * factor)
        return new


class LambdaLR(ByFunction):
    """The rate at the start times lr_lambda(epoch).

    Raises ValueError if there is another number of functions than of groups, TypeError if one is
    no function.

    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[Rate]:
        self._inside_step()
        return self._times(self.base_lrs)


class MultiplicativeLR(ByFunction):
    """The rate of the epoch before times lr_lambda(epoch).

    Raises ValueError if there is another number of functions than of groups, TypeError if one is
    no function.

    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[Rate]:
        self._inside_step()
        rates = values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return self._times(rates)
