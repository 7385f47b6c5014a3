"""The in-place forms of operations as methods: ``x.exp_()`` writes exp(x) into x and returns x."""

from __future__ import annotations

import functools
from typing import Any

from .autograd import Variable
from .autograd.hints import tells
from .dtypes import float64, of_array
from .ops import (
    activation,
    affine,
    arithmetic,
    bessel,
    calls,
    choice,
    comparison,
    cumulative,
    diagonals,
    elementwise,
    gamma,
    gathering,
    indexing,
    inplace,
    linalg,
    masking,
    mixing,
    norms,
    numeric,
    random,
    rounding,
    scattering,
    shape,
    special,
    strided,
)  # fmt: skip
from .ops.inplace import inplace as _in_place, reshaped as _reshaped

_of_one = functools.partial(_in_place, start="[0.5]")
_conjugate = _in_place(numeric.conj)
_draw_bernoulli = _in_place(random.bernoulli)
_raise = _in_place(arithmetic.float_power)


@tells
class InPlace(Variable):
    """What changes a tensor."""

    __slots__ = ()

    # ----- arithmetic -----
    add_ = __iadd__ = _in_place(arithmetic.add)
    sub_ = subtract_ = __isub__ = _in_place(arithmetic.sub)
    mul_ = multiply_ = __imul__ = _in_place(arithmetic.mul)
    div_ = divide_ = true_divide_ = __itruediv__ = _in_place(arithmetic.div)
    floor_divide_ = __ifloordiv__ = _in_place(arithmetic.floor_divide)
    remainder_ = __imod__ = _in_place(arithmetic.remainder)
    fmod_ = _in_place(arithmetic.fmod)
    pow_ = __ipow__ = _in_place(arithmetic.pow)
    neg_ = negative_ = _of_one(arithmetic.neg)
    abs_ = absolute_ = _of_one(arithmetic.abs)
    sign_ = sgn_ = _of_one(arithmetic.sign)
    floor_ = _of_one(rounding.floor)
    ceil_ = _of_one(rounding.ceil)
    trunc_ = fix_ = _of_one(rounding.trunc)
    round_ = _of_one(rounding.round)
    frac_ = _of_one(rounding.frac)
    lerp_ = _in_place(mixing.lerp)
    addcmul_ = _in_place(mixing.addcmul)
    addcdiv_ = _in_place(mixing.addcdiv)
    copysign_ = _in_place(numeric.copysign)
    nextafter_ = _in_place(numeric.nextafter)
    ldexp_ = _in_place(numeric.ldexp, "[0.5]", "torch.tensor([2])")
    deg2rad_ = _of_one(numeric.deg2rad)
    rad2deg_ = _of_one(numeric.rad2deg)
    gcd_ = _in_place(numeric.gcd, "[4, 6]", "torch.tensor(4)")
    lcm_ = _in_place(numeric.lcm, "[4, 6]", "torch.tensor(4)")

    def conj_physical_(self: Any) -> Any:
        """The complex conjugate in place: of real numbers these themselves. Returns the tensor,
        of any shape.

        >>> x = torch.tensor([0.5])
        >>> x.conj_physical_() is x
        True
        """
        return _conjugate(self)

    def float_power_(self: Any, exponent: Any) -> Any:
        """`float_power` in place, of float64 alone. Returns the tensor."""
        if self._array.dtype != float64.array:
            raise RuntimeError(
                f"the base given to float_power_ has dtype {of_array(self._array.dtype)} but the "
                "operation's result requires dtype torch.float64"
            )
        return _raise(self, exponent)

    # ----- sums with products -----
    addmm_ = _in_place(affine.addmm)
    addmv_ = _in_place(linalg.addmv, "[1.0, 2.0]", "torch.eye(2), torch.ones(2)")
    addr_ = _in_place(linalg.addr)
    addbmm_ = _in_place(linalg.addbmm)
    baddbmm_ = _in_place(linalg.baddbmm)

    # ----- functions of each element -----
    exp_ = _of_one(elementwise.exp)
    exp2_ = _of_one(elementwise.exp2)
    expm1_ = _of_one(elementwise.expm1)
    log_ = _of_one(arithmetic.log)
    log2_ = _of_one(elementwise.log2)
    log10_ = _of_one(elementwise.log10)
    log1p_ = _of_one(elementwise.log1p)
    xlogy_ = _in_place(elementwise.xlogy, "[0.5]", "2")
    sqrt_ = _of_one(elementwise.sqrt)
    rsqrt_ = _of_one(elementwise.rsqrt)
    square_ = _of_one(elementwise.square)
    reciprocal_ = _of_one(elementwise.reciprocal)
    sin_ = _of_one(elementwise.sin)
    cos_ = _of_one(elementwise.cos)
    tan_ = _of_one(elementwise.tan)
    asin_ = arcsin_ = _of_one(elementwise.asin)
    acos_ = arccos_ = _of_one(elementwise.acos)
    atan_ = arctan_ = _of_one(elementwise.atan)
    atan2_ = arctan2_ = _in_place(elementwise.atan2)
    sinh_ = _of_one(elementwise.sinh)
    cosh_ = _of_one(elementwise.cosh)
    tanh_ = _of_one(elementwise.tanh)
    asinh_ = arcsinh_ = _of_one(elementwise.asinh)
    acosh_ = arccosh_ = _of_one(elementwise.acosh)
    atanh_ = arctanh_ = _of_one(elementwise.atanh)
    hypot_ = _in_place(elementwise.hypot)
    sigmoid_ = _of_one(elementwise.sigmoid)
    relu_ = _of_one(elementwise.relu)
    erf_ = _of_one(activation.erf)
    erfc_ = _of_one(special.erfc)
    erfinv_ = _of_one(special.erfinv)
    i0_ = _of_one(bessel.i0)
    igamma_ = _in_place(special.igamma)
    igammac_ = _in_place(special.igammac)
    logit_ = _of_one(special.logit)
    sinc_ = _of_one(special.sinc)
    lgamma_ = _of_one(gamma.lgamma)
    digamma_ = _of_one(gamma.digamma)
    polygamma_ = _in_place(gamma.polygamma_of)
    mvlgamma_ = _in_place(gamma.mvlgamma)

    # ----- choice, comparison, logic -----
    clamp_ = clip_ = _in_place(choice.clamp, "[-2, 3]", "min=0")
    clamp_min_ = _in_place(choice.clamp_min, "[-2, 3]", "0")
    clamp_max_ = _in_place(choice.clamp_max, "[-2, 3]", "0")
    nan_to_num_ = _of_one(choice.nan_to_num)
    heaviside_ = _in_place(choice.heaviside)
    eq_ = _in_place(comparison.eq)
    ne_ = not_equal_ = _in_place(comparison.ne)
    lt_ = less_ = _in_place(comparison.lt)
    le_ = less_equal_ = _in_place(comparison.le)
    gt_ = greater_ = _in_place(comparison.gt)
    ge_ = greater_equal_ = _in_place(comparison.ge)
    logical_not_ = _in_place(comparison.logical_not)
    logical_and_ = _in_place(comparison.logical_and)
    logical_or_ = _in_place(comparison.logical_or)
    logical_xor_ = _in_place(comparison.logical_xor)
    bitwise_and_ = __iand__ = _in_place(comparison.bitwise_and)
    bitwise_or_ = __ior__ = _in_place(comparison.bitwise_or)
    bitwise_xor_ = __ixor__ = _in_place(comparison.bitwise_xor)
    bitwise_not_ = _in_place(comparison.bitwise_not)
    bitwise_left_shift_ = __ilshift__ = _in_place(comparison.bitwise_left_shift)
    bitwise_right_shift_ = __irshift__ = _in_place(comparison.bitwise_right_shift)

    # ----- parts -----
    masked_fill_ = _in_place(masking.masked_fill)
    masked_scatter_ = _in_place(masking.masked_scatter)
    scatter_ = _in_place(scattering.scatter)
    scatter_add_ = _in_place(gathering.scatter_add)
    scatter_reduce_ = _in_place(scattering.scatter_reduce)
    index_add_ = _in_place(gathering.index_add)
    index_copy_ = _in_place(gathering.index_copy)
    index_fill_ = _in_place(gathering.index_fill)
    index_reduce_ = _in_place(scattering.index_reduce)
    put_ = _in_place(gathering.put)
    index_put_ = _in_place(indexing.index_put, "[1, 2]", "(torch.tensor([0]),), torch.tensor(5)")
    tril_, triu_ = _in_place(diagonals.tril), _in_place(diagonals.triu)
    fill_diagonal_ = _in_place(diagonals.fill_diagonal)
    cumsum_, cumprod_ = _in_place(cumulative.cumsum), _in_place(cumulative.cumprod)
    renorm_ = _in_place(norms.renorm)
    fill_ = _in_place(inplace.fill, "[1, 2]", "5")
    zero_ = _of_one(inplace.zero)
    copy_ = _in_place(inplace.copy)
    apply_, map_, map2_ = calls.apply_, calls.map_, calls.map2_

    # ----- at random -----
    uniform_ = _in_place(random.uniform)
    normal_ = _in_place(random.normal)
    log_normal_ = _in_place(random.log_normal)
    random_ = _in_place(random.random)
    exponential_ = _in_place(random.exponential)
    cauchy_ = _in_place(random.cauchy)
    geometric_ = _in_place(random.geometric)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
        """1 with probability p (a number, or a tensor: one per element), else 0, in place."""
        return _draw_bernoulli(self, p, generator=generator)

    # ----- the shape alone -----
    squeeze_, unsqueeze_ = _reshaped(shape.squeeze), _reshaped(shape.unsqueeze, "0")
    transpose_, t_ = _reshaped(shape.transpose, "0, 1"), _reshaped(shape.t)
    swapaxes_, swapdims_ = (
        _reshaped(shape.swapaxes, "0, 1"), _reshaped(shape.swapdims, "0, 1"),
    )  # fmt: skip
    as_strided_ = _reshaped(strided.as_strided, "(1, 2), (2, 1)")
    resize_, resize_as_ = strided.resize_, strided.resize_as_
    set_ = strided.set_
