"""Averages of a model's weights over training: stochastic weight averaging (Izmailov et al., 2018)
and exponential moving averages."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..autograd import no_grad
from ..autograd.hints import told
from ..creation import tensor
from ..dtypes import int64
from ..nn.batchnorm import _BatchNorm
from ..nn.module import Module
from ..tensor import Tensor
from .lr_scheduler import LRScheduler
from .lr_scheduler.base import Rate, one_each
from .optimizer import Optimizer

Average = Callable[
    [Tensor, Tensor, Tensor], Tensor
]  # (average, new value, number of values so far)
Averages = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]  # of all, in place


def get_swa_avg_fn() -> Average:
    """An avg_fn: the mean of all values so far, which are tensors of one shape.

    >>> average = optim.swa_utils.get_swa_avg_fn()
    >>> average(torch.tensor(2.0), torch.tensor(5.0), torch.tensor(2))
    tensor(3.)
    """

    def average(averaged: Tensor, value: Tensor, num_averaged: Tensor) -> Tensor:
        return averaged + (value - averaged) / (num_averaged + 1)

    return told(average)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An avg_fn: decay * average + (1 - decay) * value, for tensors of one shape. Raises ValueError
    for a decay outside [0, 1].

    >>> average = optim.swa_utils.get_ema_avg_fn(0.75)
    >>> average(torch.tensor(2.0), torch.tensor(6.0), torch.tensor(9))
    tensor(3.)
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )

    def average(averaged: Tensor, value: Tensor, num_averaged: Tensor) -> Tensor:
        return decay * averaged + (1 - decay) * value

    return told(average)


def get_swa_multi_avg_fn() -> Averages:
    """`get_swa_avg_fn` for a list of averages, each of its own shape, which it changes in place.

    >>> averages = [torch.tensor(2.0)]
    >>> optim.swa_utils.get_swa_multi_avg_fn()(averages, [torch.tensor(5.0)], torch.tensor(2))
    >>> averages
    [tensor(3.)]
    """
    return _of_all(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """`get_ema_avg_fn` for a list of averages, each of its own shape, which it changes in place.

    >>> averages = [torch.tensor(2.0)]
    >>> optim.swa_utils.get_ema_multi_avg_fn(0.75)(averages, [torch.tensor(6.0)], torch.tensor(9))
    >>> averages
    [tensor(3.)]
    """
    return _of_all(get_ema_avg_fn(decay))


def _of_all(average: Average) -> Averages:
    @no_grad()
    def averages(means: Sequence[Tensor], values: Sequence[Tensor], num_averaged: Tensor) -> None:
        if len(means) != len(values):
            counts = f"{len(values)} for {len(means)}"
            raise ValueError(f"expected as many values as averages, got {counts}")
        for mean, value in zip(means, values, strict=True):
            mean.copy_(average(mean, value, num_averaged))

    return told(averages)


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's: call `update_parameters`
    after each step (or epoch), and use it in the model's place.

    Args:
        model: is copied to begin with.
        device: where to keep the copy; by default where the model is.
        avg_fn: a function (average, value, number of values so far) of two tensors of one shape and
            a scalar, which returns the new average; by default the mean of all, `get_swa_avg_fn`.
        multi_avg_fn: the same for the lists of all tensors, which it changes in place.
        use_buffers: whether buffers are averaged too; else they are copied.

    Raises AssertionError if both functions are given.

    >>> model = nn.Linear(1, 1)
    >>> ema = optim.swa_utils.AveragedModel(model, avg_fn=optim.swa_utils.get_ema_avg_fn(0.9))
    >>> ema.update_parameters(model)
    >>> torch.equal(ema(torch.ones(2, 1)), model(torch.ones(2, 1))), ema.n_averaged
    (True, tensor(1))
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @told
    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters into the average; the first time they are it."""
        means: list[Tensor] = list(self.module.parameters())
        values: list[Tensor] = list(model.parameters())
        copies = list(zip(self.module.buffers(), model.buffers(), strict=True))
        if self.use_buffers:
            means += [mean for mean, _ in copies]
            values += [value for _, value in copies]
            copies = []
        values = [v.detach().to(m.device) for m, v in zip(means, values, strict=True)]
        if self.n_averaged == 0:
            copies += zip(means, values, strict=True)
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn([mean.detach() for mean in means], values, self.n_averaged)
        else:
            _of_all(self.avg_fn or get_swa_avg_fn())(means, values, self.n_averaged)
        for kept, value in copies:
            kept.copy_(value)
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch normalisation anew, in one pass over the
    data: batches are tensors of the shape that the model takes, or lists or tuples that begin with
    one.

    >>> model = nn.BatchNorm1d(1)
    >>> optim.swa_utils.update_bn([torch.ones(3, 1), 2 * torch.ones(3, 1)], model)
    >>> model.running_mean
    tensor([1.5000])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    training, momenta = model.training, [norm.momentum for norm in norms]
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    for batch in loader:
        model(_input_of(batch, device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(training)


def _input_of(batch: Any, device: Any) -> Any:
    """What a model takes of a batch, moved to a device, or left where it is for None."""
    if isinstance(batch, list | tuple):
        if not batch:
            raise IndexError(f"update_bn(): expected the input first in a batch, got {batch}")
        batch = batch[0]
    if device is None:
        return batch
    if not hasattr(batch, "to"):
        kind = type(batch).__name__
        raise AttributeError(f"update_bn(): expected batches of tensors to move, got {kind}")
    return batch.to(device)


class SWALR(LRScheduler):
    """The rate goes from where it is to swa_lr, and stays there.

    Args:
        optimizer: whose groups get new rates.
        swa_lr: the last rate, for all groups or one for each.
        anneal_epochs: how many epochs it takes; 0: it is there at once.
        anneal_strategy: "cos", along half a cosine, or "linear".

    Raises ValueError for another strategy and for a negative number of epochs.

    >>> optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.swa_utils.SWALR(optimizer, 0.5, 2, "linear")
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(
            optimizer.param_groups, one_each("swa_lr", optimizer, swa_lr), strict=True
        ):
            if not isinstance(rate, int | float | Tensor):
                raise TypeError(f"swa_lr must be float or Tensor, not {type(rate).__name__}")
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _done(self, step: int) -> float:
        """How much of the way is behind us, from 0 to 1."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def get_lr(self) -> list[Rate]:
        self._inside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._done(step - 1), self._done(step)
        rates = []
        for group in self.optimizer.param_groups:
            last, rate = group["swa_lr"], group["lr"]
            begin = last if before == 1 else (rate - before * last) / (1 - before)
            rates.append(last * now + begin * (1 - now))
        return rates
