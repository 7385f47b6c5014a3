"""What parameters and samples must be: conditions that a tensor is checked for, event by event."""

from .base import (
    Constraint as Constraint,
    Dependent as Dependent,
    dependent_property as dependent_property,
    is_dependent as is_dependent,
)
from .elements import (
    Boolean,
    GreaterThan as greater_than,
    GreaterThanEq as greater_than_eq,
    HalfOpenInterval as half_open_interval,
    IntegerGreaterThan,
    IntegerInterval as integer_interval,
    IntegerLessThan as IntegerLessThan,
    Interval as interval,
    LessThan as less_than,
    Real,
)
from .events import (
    CorrCholesky,
    LowerCholesky,
    LowerTriangular,
    Multinomial as multinomial,
    OneHot,
    PositiveDefinite,
    PositiveSemidefinite,
    Simplex,
    Square,
    Symmetric,
)
from .joined import (
    Cat as cat,
    IndependentConstraint as independent,
    MixtureSameFamilyConstraint as MixtureSameFamilyConstraint,
    Stack as stack,
)

boolean = Boolean()
corr_cholesky = CorrCholesky()
dependent = Dependent()
lower_cholesky = LowerCholesky()
lower_triangular = LowerTriangular()
nonnegative = greater_than_eq(0.0)
nonnegative_integer = IntegerGreaterThan(0)
one_hot = OneHot()
positive = greater_than(0.0)
positive_definite = PositiveDefinite()
positive_integer = IntegerGreaterThan(1)
positive_semidefinite = PositiveSemidefinite()
real = Real()
real_vector = independent(real, 1)
simplex = Simplex()
square = Square()
symmetric = Symmetric()
unit_interval = interval(0.0, 1.0)

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial",
    "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack", "symmetric", "unit_interval",
]  # fmt: skip
