"""`DataParallel`, for programs that wrap their model in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import distributed
from .module import Module


class DataParallel(Module):
    """A module under PyTorch's name for one whose batches are spread over several GPUs.

    Here the whole batch is computed where the module's parameters are: the same results, of the
    same shapes, without the speed. The state dict has PyTorch's names, which begin with "module.".

    Args:
        module: what computes; kept as the attribute `module`.
        device_ids, output_device, dim: for PyTorch's signature, without an effect.

    >>> model = nn.DataParallel(nn.Linear(2, 3))
    >>> model(torch.ones(4, 2)).shape, list(model.state_dict())
    (torch.Size([4, 3]), ['module.weight', 'module.bias'])
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []
        self.output_device, self.dim = output_device, dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """PyTorch's name for a module that is trained in several processes, which can't be done here:
    raises ValueError, as PyTorch without a group of processes.

    >>> nn.parallel.DistributedDataParallel(nn.Linear(1, 1))
    Traceback (most recent call last):
    ValueError: Default process group has not been initialized, ...
    """

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        distributed.get_world_size()
