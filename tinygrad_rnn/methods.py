"""The operations as methods: one line each, the same object as the function of that name."""

from __future__ import annotations

from typing import Any

from . import dtypes
from .autograd import Variable
from .ops import (
    activation,
    arithmetic,
    choice,
    comparison,
    conversion,
    counting,
    cumulative,
    diagonals,
    elementwise,
    gathering,
    indexing,
    inplace,
    linalg,
    masking,
    norms,
    order,
    random,
    rearranging,
    reduction,
    shape,
    sorting,
    splitting,
)  # fmt: skip
from .ops.inplace import inplace as _in_place, reshaped as _reshaped

_draw_bernoulli = _in_place(random.bernoulli)


def _number_first(operation: Any, name: str) -> Any:
    """The reflected form of an operator: ``number - tensor``."""

    def method(self: Any, other: Any) -> Any:
        return operation(other, self)

    method.__name__ = name
    return method


def _converter(dtype: dtypes.dtype, name: str) -> Any:
    def method(self: Any, memory_format: Any = None) -> Any:
        return conversion.cast(self, dtype)

    method.__name__ = name
    method.__doc__ = f"In {dtype}; itself if it is already."
    return method


def _compare(operation: Any) -> Any:
    """== and !=, which leave objects that are neither tensors nor numbers to Python."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Variable | float | int):
            return operation(self, other)
        return NotImplemented

    return method


class Methods(Variable):
    """The mathematics of `Tensor`."""

    __slots__ = ()

    # ----- arithmetic -----
    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    __rsub__ = rsub = arithmetic.rsub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    __rtruediv__ = _number_first(arithmetic.div, "__rtruediv__")
    floor_divide = __floordiv__ = arithmetic.floor_divide
    __rfloordiv__ = _number_first(arithmetic.floor_divide, "__rfloordiv__")
    remainder = __mod__ = arithmetic.remainder
    __rmod__ = _number_first(arithmetic.remainder, "__rmod__")
    fmod = arithmetic.fmod
    pow = __pow__ = arithmetic.pow
    float_power = arithmetic.float_power
    __rpow__ = _number_first(arithmetic.pow, "__rpow__")
    neg = negative = __neg__ = arithmetic.neg
    positive = __pos__ = arithmetic.positive
    abs = absolute = __abs__ = arithmetic.abs
    sign = sgn = arithmetic.sign
    floor = arithmetic.floor
    ceil = arithmetic.ceil
    trunc = fix = arithmetic.trunc
    round = arithmetic.round
    frac = arithmetic.frac
    lerp = arithmetic.lerp
    addcmul = arithmetic.addcmul
    addcdiv = arithmetic.addcdiv

    # ----- functions of each element -----
    exp = elementwise.exp
    exp2 = elementwise.exp2
    expm1 = elementwise.expm1
    log = arithmetic.log
    log2 = elementwise.log2
    log10 = elementwise.log10
    log1p = elementwise.log1p
    sqrt = elementwise.sqrt
    rsqrt = elementwise.rsqrt
    square = elementwise.square
    reciprocal = elementwise.reciprocal
    logaddexp = elementwise.logaddexp
    sin = elementwise.sin
    cos = elementwise.cos
    tan = elementwise.tan
    asin = arcsin = elementwise.asin
    acos = arccos = elementwise.acos
    atan = arctan = elementwise.atan
    atan2 = arctan2 = elementwise.atan2
    sinh = elementwise.sinh
    cosh = elementwise.cosh
    tanh = elementwise.tanh
    asinh = arcsinh = elementwise.asinh
    acosh = arccosh = elementwise.acosh
    atanh = arctanh = elementwise.atanh
    sigmoid = elementwise.sigmoid
    relu = elementwise.relu
    hypot = elementwise.hypot
    erf = activation.erf
    xlogy = elementwise.xlogy

    # ----- choice -----
    maximum, minimum = choice.maximum, choice.minimum
    fmax, fmin = choice.fmax, choice.fmin
    clamp = clip = choice.clamp
    clamp_min, clamp_max = choice.clamp_min, choice.clamp_max
    nan_to_num = choice.nan_to_num
    heaviside = choice.heaviside

    # ----- comparison and logic -----
    eq, ne = comparison.eq, comparison.ne
    not_equal = comparison.ne
    __eq__, __ne__ = _compare(comparison.eq), _compare(comparison.ne)
    lt = less = __lt__ = comparison.lt
    le = less_equal = __le__ = comparison.le
    gt = greater = __gt__ = comparison.gt
    ge = greater_equal = __ge__ = comparison.ge
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal
    is_same_size = comparison.is_same_size
    is_nonzero = comparison.is_nonzero
    signbit = comparison.signbit
    logical_not = comparison.logical_not
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    bitwise_and = __and__ = __rand__ = comparison.bitwise_and
    bitwise_or = __or__ = __ror__ = comparison.bitwise_or
    bitwise_xor = __xor__ = __rxor__ = comparison.bitwise_xor
    bitwise_not = __invert__ = comparison.bitwise_not
    bitwise_left_shift = __lshift__ = comparison.bitwise_left_shift
    bitwise_right_shift = __rshift__ = comparison.bitwise_right_shift

    # ----- reductions -----
    sum = reduction.sum
    mean = reduction.mean
    var = reduction.var
    std = reduction.std
    prod = reduction.prod
    nansum, nanmean = reduction.nansum, reduction.nanmean
    logsumexp = reduction.logsumexp
    softmax = reduction.softmax
    log_softmax = reduction.log_softmax
    norm = norms.norm
    dist = norms.dist
    renorm = norms.renorm
    all = reduction.all
    any = reduction.any
    count_nonzero = reduction.count_nonzero

    # ----- with what came before -----
    cumsum, cumprod = cumulative.cumsum, cumulative.cumprod
    cummax, cummin = cumulative.cummax, cumulative.cummin
    logcumsumexp = cumulative.logcumsumexp
    diff = cumulative.diff

    # ----- order -----
    amax, amin, aminmax = order.amax, order.amin, order.aminmax
    max, min = order.max, order.min
    argmax, argmin = order.argmax, order.argmin
    sort, argsort, msort = sorting.sort, sorting.argsort, sorting.msort
    topk = sorting.topk
    kthvalue = sorting.kthvalue
    median, nanmedian = sorting.median, sorting.nanmedian
    quantile, nanquantile = sorting.quantile, sorting.nanquantile
    unique = sorting.unique
    unique_consecutive = sorting.unique_consecutive
    bincount = counting.bincount
    histc = counting.histc

    # ----- shape -----
    reshape = shape.reshape
    reshape_as = shape.reshape_as
    view, view_as = shape.view, shape.view_as
    ravel = shape.ravel
    flatten = shape.flatten
    unflatten = shape.unflatten
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    permute = shape.permute
    transpose, swapaxes, swapdims = shape.transpose, shape.swapaxes, shape.swapdims
    t = shape.t
    movedim = moveaxis = shape.movedim
    expand = broadcast_to = shape.expand
    expand_as = shape.expand_as
    diagonal = diagonals.diagonal
    diag, diagflat = diagonals.diag, diagonals.diagflat
    diag_embed = diagonals.diag_embed
    trace = diagonals.trace
    tril, triu = diagonals.tril, diagonals.triu
    split = splitting.split
    split_with_sizes = splitting.split_with_sizes
    tensor_split = splitting.tensor_split
    chunk = splitting.chunk
    unbind = splitting.unbind
    select = splitting.select
    narrow = splitting.narrow
    unfold = splitting.unfold
    flip, fliplr, flipud = rearranging.flip, rearranging.fliplr, rearranging.flipud
    roll = rearranging.roll
    rot90 = rearranging.rot90
    repeat = rearranging.repeat
    repeat_interleave = rearranging.repeat_interleave
    tile = rearranging.tile
    clone = rearranging.clone
    contiguous = rearranging.contiguous

    # ----- indexing -----
    __getitem__ = indexing.getitem
    __setitem__ = inplace.setitem
    index_put = indexing.index_put
    gather = gathering.gather
    scatter = gathering.scatter
    scatter_add = gathering.scatter_add
    take_along_dim = gathering.take_along_dim
    index_select = gathering.index_select
    index_add = gathering.index_add
    index_copy = gathering.index_copy
    index_fill = gathering.index_fill
    take, put = gathering.take, gathering.put
    masked_fill = masking.masked_fill
    masked_select = masking.masked_select
    masked_scatter = masking.masked_scatter
    nonzero = masking.nonzero
    argwhere = masking.argwhere

    def where(self: Any, condition: Any, other: Any) -> Any:
        """This tensor where the condition holds, other elsewhere."""
        return choice.where(condition, self, other)

    # ----- at random -----
    bernoulli = random.bernoulli
    multinomial = random.multinomial

    # ----- linear algebra -----
    matmul = __matmul__ = linalg.matmul
    mm, bmm, mv, dot = linalg.mm, linalg.bmm, linalg.mv, linalg.dot
    outer = ger = linalg.outer
    inner = linalg.inner
    vdot = linalg.vdot
    kron = linalg.kron
    cross = linalg.cross
    addmm, addmv, addr = linalg.addmm, linalg.addmv, linalg.addr
    addbmm, baddbmm = linalg.addbmm, linalg.baddbmm

    # ----- other dtypes -----
    half = _converter(dtypes.float16, "half")
    float = _converter(dtypes.float32, "float")
    double = _converter(dtypes.float64, "double")
    char = _converter(dtypes.int8, "char")
    short = _converter(dtypes.int16, "short")
    int = _converter(dtypes.int32, "int")
    long = _converter(dtypes.int64, "long")
    byte = _converter(dtypes.uint8, "byte")
    bool = _converter(dtypes.bool_, "bool")

    # ----- in place -----
    add_ = __iadd__ = _in_place(arithmetic.add)
    sub_ = subtract_ = __isub__ = _in_place(arithmetic.sub)
    mul_ = multiply_ = __imul__ = _in_place(arithmetic.mul)
    div_ = divide_ = true_divide_ = __itruediv__ = _in_place(arithmetic.div)
    floor_divide_ = __ifloordiv__ = _in_place(arithmetic.floor_divide)
    remainder_ = __imod__ = _in_place(arithmetic.remainder)
    fmod_ = _in_place(arithmetic.fmod)
    pow_ = __ipow__ = _in_place(arithmetic.pow)
    neg_ = negative_ = _in_place(arithmetic.neg)
    abs_ = _in_place(arithmetic.abs)
    sign_ = _in_place(arithmetic.sign)
    floor_, ceil_ = _in_place(arithmetic.floor), _in_place(arithmetic.ceil)
    trunc_, round_ = _in_place(arithmetic.trunc), _in_place(arithmetic.round)
    lerp_ = _in_place(arithmetic.lerp)
    addcmul_, addcdiv_ = _in_place(arithmetic.addcmul), _in_place(arithmetic.addcdiv)
    addmm_ = _in_place(linalg.addmm)
    exp_, log_ = _in_place(elementwise.exp), _in_place(arithmetic.log)
    sqrt_, rsqrt_ = _in_place(elementwise.sqrt), _in_place(elementwise.rsqrt)
    log2_, log10_ = _in_place(elementwise.log2), _in_place(elementwise.log10)
    log1p_, expm1_ = _in_place(elementwise.log1p), _in_place(elementwise.expm1)
    square_ = _in_place(elementwise.square)
    reciprocal_ = _in_place(elementwise.reciprocal)
    sin_, cos_ = _in_place(elementwise.sin), _in_place(elementwise.cos)
    tanh_, sigmoid_ = _in_place(elementwise.tanh), _in_place(elementwise.sigmoid)
    relu_ = _in_place(elementwise.relu)
    clamp_ = clip_ = _in_place(choice.clamp)
    clamp_min_, clamp_max_ = _in_place(choice.clamp_min), _in_place(choice.clamp_max)
    nan_to_num_ = _in_place(choice.nan_to_num)
    masked_fill_ = _in_place(masking.masked_fill)
    masked_scatter_ = _in_place(masking.masked_scatter)
    scatter_ = _in_place(gathering.scatter)
    scatter_add_ = _in_place(gathering.scatter_add)
    index_add_ = _in_place(gathering.index_add)
    index_copy_ = _in_place(gathering.index_copy)
    index_fill_ = _in_place(gathering.index_fill)
    put_ = _in_place(gathering.put)
    index_put_ = _in_place(indexing.index_put)
    logical_not_ = _in_place(comparison.logical_not)
    logical_and_, logical_or_ = (
        _in_place(comparison.logical_and),
        _in_place(comparison.logical_or),
    )
    logical_xor_ = _in_place(comparison.logical_xor)
    bitwise_and_ = __iand__ = _in_place(comparison.bitwise_and)
    bitwise_or_ = __ior__ = _in_place(comparison.bitwise_or)
    bitwise_xor_ = __ixor__ = _in_place(comparison.bitwise_xor)
    tril_, triu_ = _in_place(diagonals.tril), _in_place(diagonals.triu)
    fill_diagonal_ = _in_place(diagonals.fill_diagonal)
    cumsum_, cumprod_ = _in_place(cumulative.cumsum), _in_place(cumulative.cumprod)
    renorm_ = _in_place(norms.renorm)
    fill_ = _in_place(inplace.fill)
    zero_ = _in_place(inplace.zero)
    copy_ = _in_place(inplace.copy)
    uniform_, normal_ = _in_place(random.uniform), _in_place(random.normal)
    random_ = _in_place(random.random)
    exponential_ = _in_place(random.exponential)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
        """1 with probability p (a number, or a tensor: one per element), else 0, in place."""
        return _draw_bernoulli(self, p, generator=generator)

    # ----- in place, the shape alone -----
    squeeze_, unsqueeze_ = _reshaped(shape.squeeze), _reshaped(shape.unsqueeze)
    transpose_, t_ = _reshaped(shape.transpose), _reshaped(shape.t)
