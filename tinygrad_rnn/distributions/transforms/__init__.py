"""Functions that a distribution's outcomes go through, with their Jacobians."""

from .base import ComposeTransform as ComposeTransform, Transform as Transform
from .elementwise import (
    AbsTransform as AbsTransform,
    AffineTransform as AffineTransform,
    CumulativeDistributionTransform as CumulativeDistributionTransform,
    ExpTransform as ExpTransform,
    PowerTransform as PowerTransform,
    SigmoidTransform as SigmoidTransform,
    SoftplusTransform as SoftplusTransform,
    TanhTransform as TanhTransform,
)
from .events import (
    CorrCholeskyTransform as CorrCholeskyTransform,
    IndependentTransform as IndependentTransform,
    LowerCholeskyTransform as LowerCholeskyTransform,
    PositiveDefiniteTransform as PositiveDefiniteTransform,
    ReshapeTransform as ReshapeTransform,
    SoftmaxTransform as SoftmaxTransform,
    StickBreakingTransform as StickBreakingTransform,
)
from .joined import CatTransform as CatTransform, StackTransform as StackTransform

identity_transform = ComposeTransform([])
