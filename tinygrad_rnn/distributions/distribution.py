"""What all distributions have."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

from ..autograd import no_grad
from ..autograd.hints import TellingAll
from ..tensor import Size, Tensor
from . import constraints
from .utils import lazy_property

Shape = Sequence[int]


class Distribution(TellingAll):
    """A batch of distributions, the base of all of them.

    A sample has the shape `sample_shape + batch_shape + event_shape`: how many draws, how many
    distributions, the shape of one outcome (``()`` of a number). `log_prob`, `entropy` and the
    like have a number for each event.

    Args:
        validate_args: whether parameters, and values given to `log_prob` and the like, are checked
            against `arg_constraints` and `support`. Default: yes, but not under ``python -O``.

    A subclass sets its parameters as attributes, then calls this class's ``__init__`` with the two
    shapes. `expand` works by itself where each tensor among the attributes begins with the batch
    shape.

    Raises ValueError for parameters or values that are not what they must be, NotImplementedError
    for what a distribution does not have.

    >>> torch.distributions.Normal(torch.zeros(3), 1.0).sample((2,)).shape
    torch.Size([2, 3])
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check what they get, where they are not told."""
        if value not in (True, False):
            raise ValueError(f"expected value to be True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Shape = (),
        event_shape: Shape = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distribution with its batch expanded to a shape, without copying memory."""
        new = copy.copy(self) if _instance is None else _instance
        batch, ndim = Size(batch_shape), len(self._batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                value = value.expand(batch + value.shape[ndim:])
            elif isinstance(value, Distribution):
                value = value.expand(batch + value.batch_shape[ndim:])
            setattr(new, name, value)
        new._batch_shape = batch
        return new

    # ----- what it is -----

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one outcome."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What the parameters must be, by their names."""
        raise NotImplementedError(f"{type(self).__name__} does not define arg_constraints")

    @property
    def support(self) -> Any:
        """What its outcomes are: a constraint."""
        raise NotImplementedError(f"{type(self).__name__} does not define support")

    @property
    def mean(self) -> Tensor:
        """Its mean."""
        raise NotImplementedError(f"{type(self).__name__} does not implement mean")

    @property
    def mode(self) -> Tensor:
        """Its most likely outcome."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """Its variance."""
        raise NotImplementedError(f"{type(self).__name__} does not implement variance")

    @property
    def stddev(self) -> Tensor:
        """Its standard deviation."""
        return self.variance.sqrt()

    # ----- what it does -----

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Draws, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Draws that are differentiable functions of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not implement rsample")

    def sample_n(self, n: int) -> Tensor:
        """n draws: an older name of ``sample((n,))``."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning, stacklevel=2,
        )  # fmt: skip
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density (or of the probability, of discrete ones) at values."""
        raise NotImplementedError(f"{type(self).__name__} does not implement log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of an outcome up to value."""
        raise NotImplementedError(f"{type(self).__name__} does not implement cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The outcome up to which there is the probability `value`."""
        raise NotImplementedError(f"{type(self).__name__} does not implement icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All outcomes of a discrete distribution along a new first dimension, for each of the
        batch; with expand=False the batch dimensions have size 1."""
        raise NotImplementedError(f"{type(self).__name__} does not implement enumerate_support")

    def entropy(self) -> Tensor:
        """The entropy, in nats, in the batch's shape."""
        raise NotImplementedError(f"{type(self).__name__} does not implement entropy")

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return self.entropy().exp()

    # ----- what subclasses use -----

    def _extended_shape(self, sample_shape: Shape = ()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _along_first(self, values: Tensor, expand: bool) -> Tensor:
        """Outcomes (n, *event_shape) as what `enumerate_support` returns."""
        values = values.reshape((-1, *[1] * len(self._batch_shape), *self._event_shape))
        return values.expand((-1, *self._batch_shape, *self._event_shape)) if expand else values

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """For an `expand` of a subclass's own: the object that it fills."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return object.__new__(type(self)) if _instance is None else _instance

    def _validate_parameters(self) -> None:
        try:
            conditions = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = "
                "{}` or initialize the distribution with `validate_args=False` to turn off "
                "validation.", stacklevel=3,
            )  # fmt: skip
            return
        for name, constraint in conditions.items():
            lazy = name not in vars(self) and isinstance(getattr(type(self), name), lazy_property)
            if lazy or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({_kind(value)}) of distribution {self!r} to "
                    f"satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def _validate_sample(self, value: Tensor) -> None:
        """Raise ValueError for a value of another shape, or outside the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape = value.shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        own = self._batch_shape + self._event_shape
        for i, j in zip(reversed(shape), reversed(own), strict=False):
            if i != 1 and j not in (1, i):
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {own}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({_kind(value)}) to be within the support ({support!r}) "
                f"of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        own = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = (f"{n}: {v if v.numel() == 1 else v.size()}" for n, v in own.items())
        return f"{type(self).__name__}({', '.join(shown)})"


def _kind(value: Tensor) -> str:
    return f"{type(value).__name__} of shape {tuple(value.shape)}"
