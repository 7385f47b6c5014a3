"""Kullback-Leibler divergences of p and q of different kinds.

Where p has outcomes that q has not, the divergence is infinite. Elsewhere it is the mean of log q
under p, taken from p's entropy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from ..ops.choice import where
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

# ----- infinite -----


def _infinite(p: Any, q: Any) -> Any:
    return (p.mean + q.mean).new_full((p.mean + q.mean).shape, math.inf)


_BOUNDED = (Beta, ContinuousBernoulli, Uniform, Pareto)
for _p, _q in [
    *itertools.product((Exponential, Gamma), _BOUNDED),
    *itertools.product((Normal, Laplace, Gumbel), (*_BOUNDED, Exponential, Gamma)),
    *itertools.product((Beta, ContinuousBernoulli), (Pareto,)),
    *itertools.product((Pareto,), (Beta, ContinuousBernoulli, Uniform)),
    *itertools.product((Poisson,), (Bernoulli, Binomial)),
]:
    register_kl(_p, _q)(_infinite)


# ----- by the mean of log q: what q needs to know of p is a few of its means -----


def _to_normal(p: Any, q: Any, mean: Any, variance: Any) -> Any:
    log_q = -(variance + (mean - q.loc).square()) / (2 * q.scale.square())
    return -p.entropy() - log_q + q.scale.log() + math.log(2 * math.pi) / 2


def _to_gamma(p: Any, q: Any, mean: Any, mean_log: Any) -> Any:
    a = q.concentration
    return -p.entropy() - a * q.rate.log() + a.lgamma() - (a - 1) * mean_log + q.rate * mean


def _to_exponential(p: Any, q: Any, mean: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * mean


def _to_gumbel(p: Any, q: Any, mean: Any, mean_exp: Any) -> Any:
    """`mean_exp` is the mean of exp(-x / q.scale)."""
    log_q = (q.loc - mean) / q.scale - (q.loc / q.scale).exp() * mean_exp - q.scale.log()
    return -p.entropy() - log_q


def _to_continuous_bernoulli(p: Any, q: Any, mean: Any) -> Any:
    return -p.entropy() - mean * q.logits - (-q.probs).log1p() - q.log_norm()


def _by_mean(kinds: Any, other: type, rule: Callable[..., Any], *means: str) -> None:
    """Register the rule for kinds with these means as attributes."""
    for kind in kinds:
        register_kl(kind, other)(lambda p, q: rule(p, q, *(getattr(p, name) for name in means)))


_by_mean(
    (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Uniform),
    Normal, _to_normal, "mean", "variance",
)  # fmt: skip
_by_mean((Beta, ContinuousBernoulli, Gamma), Exponential, _to_exponential, "mean")
_by_mean((Beta,), ContinuousBernoulli, _to_continuous_bernoulli, "mean")


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Any:
    total = p.concentration1 + p.concentration0
    return _to_gamma(p, q, p.mean, p.concentration1.digamma() - total.digamma())


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Any:
    return _to_gamma(p, q, p.mean, -p.rate.log() - euler_constant)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Any:
    return _to_gumbel(p, q, p.mean, p.rate / (p.rate + 1 / q.scale))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Any:
    return _to_gumbel(p, q, p.mean, (1 + 1 / (p.rate * q.scale)) ** -p.concentration)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Any:
    mean_exp = ((p.scale / q.scale).square() / 2 - p.loc / q.scale).exp()
    return _to_gumbel(p, q, p.mean, mean_exp)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Any:
    z = (p.loc - q.loc) / p.scale
    folded = math.sqrt(2 / math.pi) * (-z.square() / 2).exp() + z * (z / math.sqrt(2)).erf()
    return -p.entropy() + (2 * q.scale).log() + p.scale * folded / q.scale


# ----- where q may end inside of p -----


def _only(inside: Any, value: Any) -> Any:
    return where(inside, value, math.inf)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _to_uniform(p: Any, q: Any) -> Any:
    return _only((q.low <= 0) & (q.high >= 1), -p.entropy() + (q.high - q.low).log())


def _mean_log(p: Any, low: Any, high: Any) -> Any:
    """The mean of log x of a uniform x."""
    return (high.xlogy(high) - low.xlogy(low)) / (high - low) - 1


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    logs = (a - 1) * _mean_log(p, p.low, p.high) + (b - 1) * _mean_log(p, 1 - p.high, 1 - p.low)
    norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return _only((p.low >= 0) & (p.high <= 1), -p.entropy() - logs + norm)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Any:
    inside = (p.low >= 0) & (p.high <= 1)
    return _only(inside, _to_continuous_bernoulli(p, q, p.mean))


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Any:
    return _only(p.low >= 0, _to_exponential(p, q, p.mean))


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Any:
    return _only(p.low >= 0, _to_gamma(p, q, p.mean, _mean_log(p, p.low, p.high)))


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Any:
    steps = (-p.low / q.scale).exp() - (-p.high / q.scale).exp()
    return _to_gumbel(p, q, p.mean, q.scale * steps / (p.high - p.low))


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Any:
    log_q = q.alpha.log() + q.alpha * q.scale.log()
    log_q = log_q - (q.alpha + 1) * _mean_log(p, p.low, p.high)
    return _only(p.low >= q.scale, -p.entropy() - log_q)


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Any:
    return _only(p.alpha > 1, _to_exponential(p, q, p.mean))


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Any:
    return _only(p.alpha > 1, _to_gamma(p, q, p.mean, p.scale.log() + 1 / p.alpha))


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Any:
    return _only(p.alpha > 2, _to_normal(p, q, p.mean, p.variance))
