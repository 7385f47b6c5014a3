"""Learning rates that change while training goes on: call ``scheduler.step()`` after each epoch
(or batch), behind ``optimizer.step()``."""

from .base import LRScheduler as LRScheduler
from .combined import ChainedScheduler as ChainedScheduler, SequentialLR as SequentialLR
from .cosine import (
    CosineAnnealingLR as CosineAnnealingLR,
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
)
from .cyclic import CyclicLR as CyclicLR, OneCycleLR as OneCycleLR
from .factor import (
    ConstantLR as ConstantLR,
    ExponentialLR as ExponentialLR,
    LinearLR as LinearLR,
    MultiStepLR as MultiStepLR,
    PolynomialLR as PolynomialLR,
    StepLR as StepLR,
)
from .function import LambdaLR as LambdaLR, MultiplicativeLR as MultiplicativeLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau

for _class in (
    LRScheduler, ChainedScheduler, SequentialLR, CosineAnnealingLR, CosineAnnealingWarmRestarts,
    CyclicLR, OneCycleLR, ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR,
    LambdaLR, MultiplicativeLR, ReduceLROnPlateau,
):  # fmt: skip
    _class.__module__ = __name__  # as it is printed

_LRScheduler = LRScheduler  # its name of old, under which programs still derive from it
