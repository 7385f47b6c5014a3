"""Kullback-Leibler divergences, one function for each pair of kinds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from ..autograd import grad
from ..linalg import solve_triangular
from ..nn.functional import softplus
from ..ops.choice import where
from ..ops.shape import broadcast_shapes
from ..tensor import Tensor
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, batch_mahalanobis, half_log_det
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, sum_rightmost

_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[..., Any]:
    """A decorator: the function computes `kl_divergence` of a p and a q of these classes, a tensor
    of the batch's shape. The nearest classes count, p's first.

    Raises TypeError for what is no class of distributions.

    >>> class Mine(torch.distributions.Normal):
    ...     pass
    >>> @torch.distributions.register_kl(Mine, Mine)
    ... def kl(p, q):
    ...     return torch.zeros(2)
    >>> torch.distributions.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0))
    tensor([0., 0.])
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        _REGISTRY[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean of log(p(x) / q(x)) over p's outcomes x, in nats, of the batch's shape.

    Raises NotImplementedError for kinds of distributions that nobody registered together.

    >>> normal = torch.distributions.Normal
    >>> torch.distributions.kl_divergence(normal(torch.ones(2), 1.0), normal(0.0, 1.0))
    tensor([0.5000, 0.5000])
    """
    function = _nearest(type(p), type(q))
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}"
        )
    result: Tensor = function(p, q)
    return result


def _nearest(kind_p: type, kind_q: type) -> Callable[[Any, Any], Any] | None:
    """What is registered for the nearest classes; a warning if p's and q's nearest disagree."""
    far_p, far_q = kind_p.__mro__.index, kind_q.__mro__.index
    found = [(a, b) for a, b in _REGISTRY if issubclass(kind_p, a) and issubclass(kind_q, b)]
    if not found:
        return None
    first = min(found, key=lambda pair: (far_p(pair[0]), far_q(pair[1])))
    second = min(found, key=lambda pair: (far_q(pair[1]), far_p(pair[0])))
    if _REGISTRY[first] is not _REGISTRY[second]:
        warnings.warn(
            f"Ambiguous kl_divergence({kind_p.__name__}, {kind_q.__name__}). Please "
            f"register_kl({first[0].__name__}, {second[1].__name__})",
            RuntimeWarning, stacklevel=3,
        )  # fmt: skip
    return _REGISTRY[first]


# ----- p and q of one kind -----


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, one))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return one + where(p.probs == 1, 0.0, where(q.probs == 1, math.inf, zero))


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return where(p.total_count > q.total_count, math.inf, p.total_count * one)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    terms = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, terms)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).square()
    return (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log()) / 2


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * (-distance / p.scale).exp() - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    """F. Chyzak and F. Nielsen, "A closed-form formula for the Kullback-Leibler divergence between
    Cauchy distributions", 2019."""
    above = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return above.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (q.loc - p.loc) / q.scale
    rest = (distance + (1 + ratio).lgamma()).exp()
    return rest - distance - ratio.log() + euler_constant * ratio - (1 + euler_constant)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    logs = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, logs)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    inside = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, math.inf, inside)


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    rates = b * (p.rate / q.rate).log() + (q.rate - p.rate) * a / p.rate
    return rates + b.lgamma() - a.lgamma() + (a - b) * a.digamma()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norm = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Any:
    inside = p.mean * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return inside + p.log_norm() - q.log_norm()


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Any:
    """The Bregman divergence of the log normalizer."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed "
            f"using Bregman divergences: {type(p).__name__} and {type(q).__name__}"
        )
    ours = [param.detach().requires_grad_() for param in p._natural_params]
    normalizer = p._log_normalizer(*ours)
    slopes = grad(normalizer.sum(), ours, create_graph=True)
    result = q._log_normalizer(*q._natural_params) - normalizer
    for mine, other, slope in zip(ours, q._natural_params, slopes, strict=True):
        term = (other - mine) * slope
        result = result - sum_rightmost(term, term.dim() - result.dim())
    return result


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "KL between Independent distributions of different reinterpreted_batch_ndims, "
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims}"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "KL between transformed distributions is implemented for equal transforms and events"
        )
    return kl_divergence(p.base_dist, q.base_dist)


# ----- normal vectors -----


def _same_events(p: Any, q: Any) -> int:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            f"computed: {tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )
    return int(p.event_shape[0])


def _squares_within(factor: Any, columns: Any) -> Any:
    """The sum of the squares of L^-1 M, which is the trace of (L L^T)^-1 M M^T."""
    batch = broadcast_shapes(factor.shape[:-2], columns.shape[:-2])
    whole = [x.expand((*batch, *x.shape[-2:])) for x in (factor, columns)]
    return solve_triangular(*whole, upper=False).square().sum((-2, -1))


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: Any, q: Any) -> Any:
    n = _same_events(p, q)
    spread = _squares_within(q._factor, p._factor)
    distance = _distance(q, p)
    return half_log_det(q._factor) - half_log_det(p._factor) + (spread + distance - n) / 2


def _distance(q: Any, p: Any) -> Any:
    difference = q.loc - p.loc
    batch = broadcast_shapes(q._factor.shape[:-2], difference.shape[:-1])
    factor = q._factor.expand((*batch, *q._factor.shape[-2:]))
    return batch_mahalanobis(factor, difference.expand((*batch, difference.shape[-1])))


def _low_rank_spread(q: Any, columns: Any) -> Any:
    """The trace of C^-1 M M^T, where C is q's covariance."""
    part = q._weighted @ columns
    plain = (columns.square() / q.cov_diag.unsqueeze(-1)).sum((-2, -1))
    return plain - _squares_within(q._capacitance, part)


def _to_low_rank(p: Any, q: Any, spread: Any, log_det: Any) -> Any:
    n = _same_events(p, q)
    batch = broadcast_shapes(p.batch_shape, q.batch_shape)
    wide = q.expand(batch)
    distance = wide.mahalanobis(wide.loc - p.loc)
    return (q.log_det() - log_det + spread + distance - n) / 2


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Any:
    _same_events(p, q)
    spread = _low_rank_spread(q, p.cov_factor)
    spread = spread + _low_rank_spread(q, p.cov_diag.sqrt().diag_embed())
    return _to_low_rank(p, q, spread, p.log_det())


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _full_low_rank(p: Any, q: Any) -> Any:
    _same_events(p, q)
    return _to_low_rank(p, q, _low_rank_spread(q, p._factor), 2 * half_log_det(p._factor))


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_full(p: Any, q: Any) -> Any:
    n = _same_events(p, q)
    spread = _squares_within(q._factor, p.cov_factor)
    spread = spread + _squares_within(q._factor, p.cov_diag.sqrt().diag_embed())
    return half_log_det(q._factor) + (spread + _distance(q, p) - n - p.log_det()) / 2
