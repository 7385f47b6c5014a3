"""Distributions of every kind, made alike in two libraries: `make(library, name)`."""

from __future__ import annotations

from typing import Any

A, B = [0.5, 1.5, 3.0], [2.0, 0.7, 1.0]
PROBS = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
MATRIX = [[2.0, 0.5], [0.5, 1.0]]
TRIL = [[[1.0, 0.0], [0.5, 2.0]], [[0.5, 0.0], [-1.0, 0.7]], [[2.0, 0.0], [0.1, 0.3]]]

# The class, its arguments (lists: tensors of float64), values to look at.
CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "Bernoulli": ("Bernoulli", {"probs": [0.1, 0.5, 0.8]}, [0.0, 1.0, 1.0]),
    "Bernoulli-logits": ("Bernoulli", {"logits": [-3.0, 0.0, 2.0]}, [1.0, 0.0, 1.0]),
    "Beta": ("Beta", {"concentration1": A, "concentration0": B}, [0.1, 0.5, 0.9]),
    "Beta-corner": ("Beta", {"concentration1": 0.5, "concentration0": [0.2, 0.9]}, [0.1, 0.9]),
    "Binomial": ("Binomial", {"total_count": 5, "probs": [0.1, 0.5, 0.8]}, [0.0, 2.0, 5.0]),
    "Binomial-logits": ("Binomial", {"total_count": [5.0, 3.0], "logits": [0.3, -1.0]}, [4.0, 3.0]),
    "Categorical": ("Categorical", {"probs": PROBS}, [0, 2]),
    "Categorical-logits": ("Categorical", {"logits": [[0.1, 2.0, -1.0]] * 2}, [[0, 2], [1, 1]]),
    "Cauchy": ("Cauchy", {"loc": A, "scale": B}, [-1.0, 0.0, 4.0]),
    "Chi2": ("Chi2", {"df": [1.0, 2.5, 9.0]}, A),
    "ContinuousBernoulli": ("ContinuousBernoulli", {"probs": [0.1, 0.5, 0.9]}, [0.2, 0.5, 1.0]),
    "Dirichlet": ("Dirichlet", {"concentration": [A, B]}, [0.2, 0.5, 0.3]),
    "Dirichlet-corner": ("Dirichlet", {"concentration": [0.3, 0.6, 0.2]}, [0.2, 0.5, 0.3]),
    "Exponential": ("Exponential", {"rate": A}, B),
    "FisherSnedecor": ("FisherSnedecor", {"df1": [1.0, 5.0, 3.0], "df2": [1.0, 3.0, 7.0]}, A),
    "Gamma": ("Gamma", {"concentration": A, "rate": B}, [0.1, 1.0, 5.0]),
    "GeneralizedPareto": ("GeneralizedPareto", {
        "loc": 1.0, "scale": B, "concentration": [0.0, 0.3, -0.4]}, [1.5, 2.0, 3.0]),
    "Geometric": ("Geometric", {"probs": [0.1, 0.5, 1.0]}, [0.0, 3.0, 0.0]),
    "Geometric-logits": ("Geometric", {"logits": [0.5, -1.0]}, [[0.0, 2.0], [3.0, 1.0]]),
    "Gumbel": ("Gumbel", {"loc": A, "scale": B}, [-1.0, 0.0, 4.0]),
    "HalfCauchy": ("HalfCauchy", {"scale": A}, B),
    "HalfNormal": ("HalfNormal", {"scale": A}, B),
    "InverseGamma": ("InverseGamma", {"concentration": [0.5, 1.5, 3.0], "rate": B}, A),
    "Kumaraswamy": ("Kumaraswamy", {
        "concentration1": [1.5, 2.0, 0.5], "concentration0": B}, [0.1, 0.5, 0.9]),
    "LKJCholesky": ("LKJCholesky", {"dim": 2, "concentration": A}, [[1.0, 0.0], [0.6, 0.8]]),
    "Laplace": ("Laplace", {"loc": A, "scale": B}, [-1.0, 0.0, 4.0]),
    "LogNormal": ("LogNormal", {"loc": A, "scale": B}, A),
    "LogisticNormal": ("LogisticNormal", {"loc": [A, B], "scale": B}, [0.1, 0.2, 0.3, 0.4]),
    "LowRankMultivariateNormal": ("LowRankMultivariateNormal", {
        "loc": A, "cov_factor": [[1.0, 0.5], [0.2, -1.0], [0.3, 0.3]], "cov_diag": [B, A]}, [A, B]),
    "Multinomial": ("Multinomial", {"total_count": 5, "probs": PROBS}, [1.0, 3.0, 1.0]),
    "MultivariateNormal": ("MultivariateNormal", {
        "loc": [0.5, 1.0], "covariance_matrix": MATRIX}, [[[1.0, 2.0]], [[0.0, -1.0]]]),
    "MultivariateNormal-precision": ("MultivariateNormal", {
        "loc": [[0.5, 1.0]] * 3, "precision_matrix": MATRIX}, [1.0, 2.0]),
    "MultivariateNormal-tril": ("MultivariateNormal", {
        "loc": [0.5, 1.0], "scale_tril": TRIL}, [[[1.0, 2.0]], [[0.0, -1.0]]]),
    "NegativeBinomial": ("NegativeBinomial", {
        "total_count": B, "probs": [0.1, 0.5, 0.8]}, [0.0, 2.0, 5.0]),
    "NegativeBinomial-logits": ("NegativeBinomial", {
        "total_count": 3.0, "logits": [-1.0, 0.5]}, [0.0, 2.0]),
    "Normal": ("Normal", {"loc": A, "scale": B}, [[-1.0, 0.0, 4.0], [1.0, 2.0, 3.0]]),
    "Normal-numbers": ("Normal", {"loc": 0.5, "scale": 2.0}, [-1.0, 0.0, 4.0]),
    "OneHotCategorical": ("OneHotCategorical", {"probs": PROBS}, [0.0, 0.0, 1.0]),
    "OneHotCategoricalStraightThrough": (
        "OneHotCategoricalStraightThrough", {"logits": PROBS}, [0.0, 1.0, 0.0]),
    "Pareto": ("Pareto", {"scale": B, "alpha": [0.5, 1.5, 3.0]}, [3.0, 1.0, 2.0]),
    "Poisson": ("Poisson", {"rate": A}, [0.0, 2.0, 5.0]),
    "RelaxedBernoulli": ("RelaxedBernoulli", {
        "temperature": [0.7], "probs": [0.1, 0.5, 0.8]}, [0.1, 0.5, 0.9]),
    "RelaxedOneHotCategorical": ("RelaxedOneHotCategorical", {
        "temperature": [0.7], "logits": PROBS}, [0.2, 0.5, 0.3]),
    "StudentT": ("StudentT", {"df": [0.5, 1.5, 3.0], "loc": A, "scale": B}, [-1.0, 0.0, 4.0]),
    "Uniform": ("Uniform", {"low": A, "high": [1.0, 4.0, 5.0]}, [0.7, 1.5, 5.0]),
    "VonMises": ("VonMises", {"loc": A, "concentration": [0.1, 3.0, 80.0]}, [-1.0, 0.0, 3.0]),
    "Weibull": ("Weibull", {"scale": B, "concentration": [1.5, 2.0, 3.0]}, A),
    "Wishart": ("Wishart", {
        "df": [4.0, 5.5], "covariance_matrix": MATRIX}, [[3.0, 0.1], [0.1, 2.0]]),
}  # fmt: skip


def tensor(library: Any, value: Any, grad: bool = False) -> Any:
    """Lists as tensors: of float64, or of int64 where they hold integers."""
    if not isinstance(value, list):
        return value
    if not library.tensor(value).is_floating_point():
        return library.tensor(value)
    return library.tensor(value, dtype=library.float64, requires_grad=grad)


def make(library: Any, name: str, grad: bool = False, **options: Any) -> Any:
    """The distribution of a case, its value, and its parameters that are tensors."""
    kind, arguments, value = CASES[name]
    params = {key: tensor(library, v, grad) for key, v in arguments.items()}
    leaves = [p for p in params.values() if isinstance(p, library.Tensor)]
    made = getattr(library.distributions, kind)(**params, **options)
    return made, tensor(library, value), leaves
