"""The operations as methods: one line each, the same object as the function of that name."""

from __future__ import annotations

from typing import Any

from . import dtypes
from .autograd import Variable
from .autograd.hints import tells
from .backends import HostScalar, is_host
from .inplace_methods import InPlace
from .ops import (
    activation,
    affine,
    arithmetic,
    bessel,
    choice,
    combining,
    comparison,
    conversion,
    copies,
    counting,
    cumulative,
    diagonals,
    elementwise,
    error_function,
    exponentials,
    gamma,
    gathering,
    householder,
    indexing,
    inplace,
    linalg,
    masking,
    matrix_functions,
    mixing,
    native,
    norms,
    numeric,
    older_linalg,
    order,
    random,
    rearranging,
    reduction,
    rounding,
    scattering,
    shape,
    shrinkage,
    solving,
    sorting,
    special,
    splitting,
    statistics,
    storage as storages,
    strided,
)  # fmt: skip


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
    """== and !=, which leave what is neither a tensor, an array nor a number to Python."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Variable | float | int | HostScalar) or is_host(other):
            return operation(self, other)
        return NotImplemented

    return method


@tells
class Methods(InPlace):
    """The mathematics of `Tensor`."""

    __slots__ = ()

    # ----- arithmetic -----
    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    __rsub__ = rsub = arithmetic.rsub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    __rtruediv__ = __rdiv__ = _number_first(arithmetic.div, "__rtruediv__")
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
    floor = rounding.floor
    ceil = rounding.ceil
    trunc = fix = rounding.trunc
    round = rounding.round
    frac = rounding.frac
    lerp = mixing.lerp
    addcmul = mixing.addcmul
    addcdiv = mixing.addcdiv
    copysign = numeric.copysign
    nextafter = numeric.nextafter
    frexp, ldexp = numeric.frexp, numeric.ldexp
    deg2rad, rad2deg = numeric.deg2rad, numeric.rad2deg
    gcd, lcm = numeric.gcd, numeric.lcm
    conj = conj_physical = numeric.conj
    resolve_conj, resolve_neg = numeric.resolve_conj, numeric.resolve_neg
    angle = numeric.angle

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
    logaddexp, logaddexp2 = elementwise.logaddexp, numeric.logaddexp2
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
    erf = error_function.erf
    prelu = activation.prelu
    hardshrink = shrinkage.hardshrink
    xlogy = elementwise.xlogy
    erfc, erfinv = special.erfc, special.erfinv
    i0 = bessel.i0
    igamma, igammac = special.igamma, special.igammac
    logit = special.logit
    sinc = special.sinc
    lgamma, digamma = gamma.lgamma, gamma.digamma
    polygamma = gamma.polygamma_of
    mvlgamma = gamma.mvlgamma

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
    isposinf, isneginf = numeric.isposinf, numeric.isneginf
    isreal = numeric.isreal
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
    bitwise_not = comparison.bitwise_not
    __invert__ = comparison.invert
    bitwise_left_shift = __lshift__ = comparison.bitwise_left_shift
    bitwise_right_shift = __rshift__ = comparison.bitwise_right_shift
    __rlshift__ = _number_first(comparison.bitwise_left_shift, "__rlshift__")
    __rrshift__ = _number_first(comparison.bitwise_right_shift, "__rrshift__")

    # ----- reductions -----
    sum = reduction.sum
    mean = reduction.mean
    var = reduction.var
    std = reduction.std
    prod = reduction.prod
    nansum, nanmean = reduction.nansum, reduction.nanmean
    logsumexp = exponentials.logsumexp
    softmax = exponentials.softmax
    log_softmax = exponentials.log_softmax
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
    histogram = statistics.histogram
    mode = statistics.mode
    cov, corrcoef = statistics.cov, statistics.corrcoef

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
    sum_to_size = combining.sum_to_size
    as_strided, new_empty_strided = strided.as_strided, strided.new_empty_strided
    storage_offset = strided.storage_offset
    storage, untyped_storage = storages.storage, storages.untyped_storage
    is_set_to = strided.is_set_to
    hsplit, vsplit, dsplit = combining.hsplit, combining.vsplit, combining.dsplit
    unsafe_chunk, unsafe_split = combining.unsafe_chunk, combining.unsafe_split
    unsafe_split_with_sizes = combining.unsafe_split_with_sizes
    narrow_copy = copies.narrow_copy
    diagonal = diagonals.diagonal
    diag, diagflat = diagonals.diag, diagonals.diagflat
    diag_embed = diagonals.diag_embed
    trace = diagonals.trace
    tril, triu = diagonals.tril, diagonals.triu

    def split(self, split_size: Any, dim: int = 0) -> Any:
        """`tinygrad_rnn.split`, whose second argument has another name as a method."""
        return splitting.split(self, split_size, dim)

    split_with_sizes = splitting.split_with_sizes
    tensor_split = splitting.tensor_split
    chunk = splitting.chunk
    unbind = splitting.unbind
    select = splitting.select
    narrow = splitting.narrow
    unfold = strided.unfold
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
    scatter = scattering.scatter
    scatter_add = gathering.scatter_add
    scatter_reduce, index_reduce = scattering.scatter_reduce, scattering.index_reduce
    slice_scatter, select_scatter = scattering.slice_scatter, scattering.select_scatter
    diagonal_scatter = scattering.diagonal_scatter
    as_strided_scatter = strided.as_strided_scatter
    take_along_dim = gathering.take_along_dim
    index_select = gathering.index_select
    index_add = gathering.index_add
    index_copy = gathering.index_copy
    index_fill = gathering.index_fill
    take, put = gathering.take, gathering.put
    masked_fill = masking.masked_fill
    masked_select = masking.masked_select
    masked_scatter = masking.masked_scatter
    nonzero, nonzero_static = masking.nonzero, native.nonzero_static
    argwhere = masking.argwhere

    def where(self: Any, condition: Any, other: Any) -> Any:
        """This tensor where the condition holds, other elsewhere."""
        return choice.where(condition, self, other)

    # ----- at random -----
    bernoulli = random.bernoulli
    multinomial = random.multinomial

    # ----- linear algebra -----
    matmul = __matmul__ = linalg.matmul
    __rmatmul__ = _number_first(linalg.matmul, "__rmatmul__")
    mm, bmm, mv, dot = linalg.mm, linalg.bmm, linalg.mv, linalg.dot
    outer = ger = linalg.outer
    inner = linalg.inner
    vdot = linalg.vdot
    kron = linalg.kron
    cross = linalg.cross
    addmm, addmv, addr = affine.addmm, linalg.addmv, linalg.addr
    addbmm, baddbmm = linalg.addbmm, linalg.baddbmm
    det, logdet, slogdet = solving.det, solving.logdet, older_linalg.slogdet
    inverse = solving.inverse
    triangular_solve = solving.triangular_solve
    cholesky, qr, svd = older_linalg.cholesky, older_linalg.qr, older_linalg.svd
    lu, lu_solve = older_linalg.lu, older_linalg.lu_solve
    cholesky_solve = matrix_functions.cholesky_solve
    cholesky_inverse = matrix_functions.cholesky_inverse
    pinverse = matrix_functions.pinverse
    geqrf, orgqr, ormqr = householder.geqrf, householder.orgqr, householder.ormqr
    matrix_power, matrix_exp = matrix_functions.matrix_power, matrix_functions.matrix_exp

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
