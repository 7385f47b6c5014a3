"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..autograd import no_grad
from ..creation import zeros
from ..dtypes import bool_, float64
from ..ops.bessel import i0e, i1e
from ..ops.choice import where
from ..random import rand
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, Shape
from .utils import broadcast_all


class VonMises(Distribution):
    """Angles in radians from -pi to pi, near `loc` the more the larger `concentration` is: numbers
    or tensors, which broadcast to the batch's shape. The variance is the circular one.

    Drawn by rejection (Best and Fisher, "Efficient simulation of the von Mises distribution",
    1979).

    >>> torch.distributions.VonMises(0.0, 1.0).log_prob(torch.tensor([0.0, 3.0]))
    tensor([-1.0738, -3.0638])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real,
        "concentration": constraints.positive,
    }
    support = constraints.real
    has_rsample = False

    def __init__(
        self,
        loc: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        variance: Tensor = 1 - i1e(self.concentration) / i0e(self.concentration)
        return variance

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        norm: Tensor = math.log(2 * math.pi) + i0e(k).log()
        return k * ((value - self.loc).cos() - 1) - norm

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            k = self.concentration.to(float64)
            r = 1 + (1 + 4 * k.square()).sqrt()
            r = (r - (2 * r).sqrt()) / (2 * k)
            # 1 / k + k is its limit, which rounding hides
            r = where(k < 1e-5, 1 / k + k, (1 + r.square()) / (2 * r))
            angle = zeros(shape, dtype=float64, device=k.device)
            done = zeros(shape, dtype=bool_, device=k.device)
            while not bool(done.all()):
                u1, u2, u3 = rand((3, *shape), dtype=float64, device=k.device).unbind()
                z = (math.pi * u1).cos()
                cosine = (1 + r * z) / (r + z)
                c = k * (r - cosine)
                accepted = (c * (2 - c) > u2) | ((c / u2).log() + 1 - c >= 0)
                angle = where(accepted, (u3 - 0.5).sign() * cosine.clamp(-1, 1).acos(), angle)
                done = done | accepted
            turned = (angle + math.pi + self.loc) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)
