"""tinygrad_rnn: tensors, automatic differentiation and recurrent networks on NumPy and CuPy.

Written to be imported as ``import tinygrad_rnn as torch``: names, shapes, defaults and errors are
PyTorch's.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import (
    accelerator as accelerator,
    amp as amp,
    autograd as autograd,
    backends as backends,
    cuda as cuda,
    linalg as linalg,
    nn as nn,
    optim as optim,
    random as random,
    signal as signal,
    special as special,
    version as version,
)
from .amp import autocast as autocast, is_autocast_enabled as is_autocast_enabled
from .autograd import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_anomaly_enabled as is_anomaly_enabled,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .backends import (
    device as device,
    get_default_device as get_default_device,
    set_default_device as set_default_device,
)
from .backends.generator import (
    Generator as Generator,
    default_generator as default_generator,
)
from .creation import (
    arange as arange,
    as_tensor as as_tensor,
    empty as empty,
    empty_like as empty_like,
    eye as eye,
    from_dlpack as from_dlpack,
    from_numpy as from_numpy,
    frombuffer as frombuffer,
    full as full,
    full_like as full_like,
    linspace as linspace,
    logspace as logspace,
    ones as ones,
    ones_like as ones_like,
    scalar_tensor as scalar_tensor,
    tensor as tensor,
    tril_indices as tril_indices,
    triu_indices as triu_indices,
    zeros as zeros,
    zeros_like as zeros_like,
)
from .dtypes import (
    bfloat16 as bfloat16,
    bool_ as bool,
    can_cast as can_cast,
    dtype as dtype,
    finfo as finfo,
    float16 as float16,
    float16 as half,
    float32 as float,
    float32 as float32,
    float64 as double,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    iinfo as iinfo,
    int8 as int8,
    int16 as int16,
    int16 as short,
    int32 as int,
    int32 as int32,
    int64 as int64,
    int64 as long,
    promote_types as promote_types,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
)
from .functions import (
    _assert as _assert,
    adjoint as adjoint,
    asarray as asarray,
    cond as cond,
    detach as detach,
    detach_ as detach_,
    e as e,
    empty_permuted as empty_permuted,
    empty_strided as empty_strided,
    get_device as get_device,
    imag as imag,
    inf as inf,
    is_complex as is_complex,
    is_conj as is_conj,
    is_distributed as is_distributed,
    is_floating_point as is_floating_point,
    is_inference as is_inference,
    is_neg as is_neg,
    is_signed as is_signed,
    is_tensor as is_tensor,
    nan as nan,
    numel as numel,
    pi as pi,
)
from .layout import (
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    contiguous_format as contiguous_format,
    layout as layout,
    memory_format as memory_format,
    preserve_format as preserve_format,
    strided as strided,
)
from .legacy import (
    BoolTensor as BoolTensor,
    ByteTensor as ByteTensor,
    CharTensor as CharTensor,
    DoubleTensor as DoubleTensor,
    FloatTensor as FloatTensor,
    HalfTensor as HalfTensor,
    IntTensor as IntTensor,
    LongTensor as LongTensor,
    ShortTensor as ShortTensor,
    range as range,
)
from .lowrank import pca_lowrank as pca_lowrank, svd_lowrank as svd_lowrank
from .nn.functional import (
    celu_ as celu_,
    rrelu_ as rrelu_,
    selu_ as selu_,
    threshold_ as threshold_,
)
from .nn.utils.weights import norm_except_dim as norm_except_dim
from .ops import return_types as return_types
from .ops.activation import (
    celu as celu,
    prelu as prelu,
    selu as selu,
    threshold as threshold,
)
from .ops.adaptive import adaptive_avg_pool1d as adaptive_avg_pool1d
from .ops.affine import addmm as addmm
from .ops.arithmetic import (
    abs as abs,
    abs as absolute,
    add as add,
    div as div,
    div as divide,
    div as true_divide,
    float_power as float_power,
    floor_divide as floor_divide,
    fmod as fmod,
    log as log,
    mul as mul,
    mul as multiply,
    neg as neg,
    neg as negative,
    positive as positive,
    pow as pow,
    remainder as remainder,
    rsub as rsub,
    sign as sgn,
    sign as sign,
    sub as sub,
    sub as subtract,
)
from .ops.bessel import i0 as i0
from .ops.bilinear import bilinear as bilinear
from .ops.choice import (
    clamp as clamp,
    clamp as clip,
    clamp_max as clamp_max,
    clamp_min as clamp_min,
    fmax as fmax,
    fmin as fmin,
    heaviside as heaviside,
    maximum as maximum,
    minimum as minimum,
    nan_to_num as nan_to_num,
    where as where,
)
from .ops.combining import (
    atleast_1d as atleast_1d,
    atleast_2d as atleast_2d,
    atleast_3d as atleast_3d,
    block_diag as block_diag,
    combinations as combinations,
    dsplit as dsplit,
    hsplit as hsplit,
    unravel_index as unravel_index,
    unsafe_chunk as unsafe_chunk,
    unsafe_split as unsafe_split,
    unsafe_split_with_sizes as unsafe_split_with_sizes,
    vander as vander,
    vsplit as vsplit,
)
from .ops.comparison import (
    allclose as allclose,
    bitwise_and as bitwise_and,
    bitwise_left_shift as bitwise_left_shift,
    bitwise_not as bitwise_not,
    bitwise_or as bitwise_or,
    bitwise_right_shift as bitwise_right_shift,
    bitwise_xor as bitwise_xor,
    eq as eq,
    equal as equal,
    ge as ge,
    ge as greater_equal,
    gt as greater,
    gt as gt,
    is_nonzero as is_nonzero,
    is_same_size as is_same_size,
    isclose as isclose,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    le as le,
    le as less_equal,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    lt as less,
    lt as lt,
    ne as ne,
    ne as not_equal,
    signbit as signbit,
)
from .ops.conversion import (
    result_type as result_type,
)
from .ops.convolution import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv3d as conv3d,
    conv_transpose1d as conv_transpose1d,
    conv_transpose2d as conv_transpose2d,
    conv_transpose3d as conv_transpose3d,
)
from .ops.copies import (
    alias_copy as alias_copy,
    as_strided_copy as as_strided_copy,
    detach_copy as detach_copy,
    diagonal_copy as diagonal_copy,
    expand_copy as expand_copy,
    narrow_copy as narrow_copy,
    permute_copy as permute_copy,
    select_copy as select_copy,
    slice_copy as slice_copy,
    split_copy as split_copy,
    split_with_sizes_copy as split_with_sizes_copy,
    squeeze_copy as squeeze_copy,
    t_copy as t_copy,
    transpose_copy as transpose_copy,
    unbind_copy as unbind_copy,
    unfold_copy as unfold_copy,
    unsqueeze_copy as unsqueeze_copy,
    view_copy as view_copy,
)
from .ops.counting import (
    bincount as bincount,
    bucketize as bucketize,
    histc as histc,
    isin as isin,
    searchsorted as searchsorted,
)
from .ops.cumulative import (
    cummax as cummax,
    cummin as cummin,
    cumprod as cumprod,
    cumsum as cumsum,
    diff as diff,
    logcumsumexp as logcumsumexp,
)
from .ops.diagonals import (
    diag as diag,
    diag_embed as diag_embed,
    diagflat as diagflat,
    diagonal as diagonal,
    trace as trace,
    tril as tril,
    triu as triu,
)
from .ops.distances import (
    cosine_similarity as cosine_similarity,
    pairwise_distance as pairwise_distance,
    pdist as pdist,
)
from .ops.einsum import (
    einsum as einsum,
)
from .ops.elementwise import (
    acos as acos,
    acos as arccos,
    acosh as acosh,
    acosh as arccosh,
    asin as arcsin,
    asin as asin,
    asinh as arcsinh,
    asinh as asinh,
    atan as arctan,
    atan as atan,
    atan2 as arctan2,
    atan2 as atan2,
    atanh as arctanh,
    atanh as atanh,
    cos as cos,
    cosh as cosh,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    hypot as hypot,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    reciprocal as reciprocal,
    relu as relu,
    rsqrt as rsqrt,
    sigmoid as sigmoid,
    sin as sin,
    sinh as sinh,
    sqrt as sqrt,
    square as square,
    tan as tan,
    tanh as tanh,
    xlogy as xlogy,
)
from .ops.embedding import embedding_renorm_ as embedding_renorm_
from .ops.error_function import erf as erf
from .ops.exponentials import (
    log_softmax as log_softmax,
    logsumexp as logsumexp,
    softmax as softmax,
)
from .ops.folding import (
    channel_shuffle as channel_shuffle,
    channel_shuffle as native_channel_shuffle,
    pixel_shuffle as pixel_shuffle,
    pixel_unshuffle as pixel_unshuffle,
)
from .ops.gamma import (
    digamma as digamma,
    lgamma as lgamma,
    mvlgamma as mvlgamma,
    polygamma as polygamma,
)
from .ops.gathering import (
    gather as gather,
    index_add as index_add,
    index_copy as index_copy,
    index_fill as index_fill,
    index_select as index_select,
    put as put,
    scatter_add as scatter_add,
    take as take,
    take_along_dim as take_along_dim,
)
from .ops.householder import geqrf as geqrf, orgqr as orgqr, ormqr as ormqr
from .ops.indexing import (
    index_put as index_put,
)
from .ops.joining import (
    cat as cat,
    cat as concat,
    cat as concatenate,
    column_stack as column_stack,
    dstack as dstack,
    hstack as hstack,
    stack as stack,
    vstack as row_stack,
    vstack as vstack,
)
from .ops.linalg import (
    addbmm as addbmm,
    addmv as addmv,
    addr as addr,
    baddbmm as baddbmm,
    bmm as bmm,
    chain_matmul as chain_matmul,
    cross as cross,
    dot as dot,
    inner as inner,
    kron as kron,
    matmul as matmul,
    mm as mm,
    mv as mv,
    outer as ger,
    outer as outer,
    tensordot as tensordot,
    vdot as vdot,
)
from .ops.lu import lu_unpack as lu_unpack
from .ops.masking import (
    argwhere as argwhere,
    masked_fill as masked_fill,
    masked_scatter as masked_scatter,
    masked_select as masked_select,
    nonzero as nonzero,
)
from .ops.matrix_functions import (
    cholesky_inverse as cholesky_inverse,
    cholesky_solve as cholesky_solve,
    matrix_exp as matrix_exp,
    matrix_power as matrix_power,
    pinverse as pinverse,
)
from .ops.mixing import (
    addcdiv as addcdiv,
    addcmul as addcmul,
    lerp as lerp,
)
from .ops.native import (
    constant_pad_nd as constant_pad_nd,
    fill as fill,
    grid_sampler_2d as grid_sampler_2d,
    grid_sampler_3d as grid_sampler_3d,
    native_group_norm as native_group_norm,
    native_layer_norm as native_layer_norm,
    nonzero_static as nonzero_static,
)
from .ops.native_layers import (
    adaptive_max_pool1d as adaptive_max_pool1d,
    affine_grid_generator as affine_grid_generator,
    batch_norm as batch_norm,
    conv_tbc as conv_tbc,
    convolution as convolution,
    embedding as embedding,
    frobenius_norm as frobenius_norm,
    grid_sampler as grid_sampler,
    group_norm as group_norm,
    gru_cell as gru_cell,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
    lstm_cell as lstm_cell,
    max_pool1d_with_indices as max_pool1d_with_indices,
    native_batch_norm as native_batch_norm,
    native_dropout as native_dropout,
    nuclear_norm as nuclear_norm,
    rnn_relu_cell as rnn_relu_cell,
    rnn_tanh_cell as rnn_tanh_cell,
)
from .ops.normalization import rms_norm as rms_norm
from .ops.norms import (
    cdist as cdist,
    dist as dist,
    norm as norm,
    renorm as renorm,
)
from .ops.numbered_losses import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    cosine_embedding_loss as cosine_embedding_loss,
    ctc_loss as ctc_loss,
    hinge_embedding_loss as hinge_embedding_loss,
    kl_div as kl_div,
    margin_ranking_loss as margin_ranking_loss,
    poisson_nll_loss as poisson_nll_loss,
    triplet_margin_loss as triplet_margin_loss,
)
from .ops.numeric import (
    angle as angle,
    conj as conj,
    conj as conj_physical,
    copysign as copysign,
    deg2rad as deg2rad,
    frexp as frexp,
    gcd as gcd,
    isneginf as isneginf,
    isposinf as isposinf,
    isreal as isreal,
    lcm as lcm,
    ldexp as ldexp,
    logaddexp2 as logaddexp2,
    nextafter as nextafter,
    rad2deg as rad2deg,
    real as real,
    resolve_conj as resolve_conj,
    resolve_neg as resolve_neg,
)
from .ops.older_linalg import (
    cholesky as cholesky,
    lu as lu,
    lu_solve as lu_solve,
    qr as qr,
    slogdet as slogdet,
    svd as svd,
)
from .ops.order import (
    amax as amax,
    amin as amin,
    aminmax as aminmax,
    argmax as argmax,
    argmin as argmin,
    max as max,
    min as min,
)
from .ops.outputs import CREATORS, WITH_OUT, creates, with_out
from .ops.points import (
    cumulative_trapezoid as cumulative_trapezoid,
    gradient as gradient,
    trapezoid as trapezoid,
    trapz as trapz,
)
from .ops.pooling import (
    avg_pool1d as avg_pool1d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from .ops.random import (
    binomial as binomial,
    poisson as poisson,
)
from .ops.rearranging import (
    cartesian_prod as cartesian_prod,
    clone as clone,
    contiguous as contiguous,
    flip as flip,
    fliplr as fliplr,
    flipud as flipud,
    meshgrid as meshgrid,
    repeat as repeat,
    repeat_interleave as repeat_interleave,
    roll as roll,
    rot90 as rot90,
    tile as tile,
)
from .ops.reduction import (
    all as all,
    any as any,
    count_nonzero as count_nonzero,
    mean as mean,
    nanmean as nanmean,
    nansum as nansum,
    prod as prod,
    std as std,
    std_mean as std_mean,
    sum as sum,
    var as var,
    var_mean as var_mean,
)
from .ops.rounding import (
    ceil as ceil,
    floor as floor,
    frac as frac,
    round as round,
    trunc as fix,
    trunc as trunc,
)
from .ops.scattering import (
    diagonal_scatter as diagonal_scatter,
    index_reduce as index_reduce,
    scatter as scatter,
    scatter_reduce as scatter_reduce,
    select_scatter as select_scatter,
    slice_scatter as slice_scatter,
)
from .ops.shape import (
    broadcast_shapes as broadcast_shapes,
    broadcast_tensors as broadcast_tensors,
    expand as broadcast_to,
    expand as expand,
    expand_as as expand_as,
    flatten as flatten,
    movedim as moveaxis,
    movedim as movedim,
    permute as permute,
    ravel as ravel,
    reshape as reshape,
    reshape_as as reshape_as,
    squeeze as squeeze,
    swapaxes as swapaxes,
    swapdims as swapdims,
    t as t,
    transpose as transpose,
    unflatten as unflatten,
    unsqueeze as unsqueeze,
    view_as as view_as,
)
from .ops.shrinkage import hardshrink as hardshrink
from .ops.solving import (
    det as det,
    inverse as inverse,
    logdet as logdet,
    triangular_solve as triangular_solve,
)
from .ops.sorting import (
    argsort as argsort,
    kthvalue as kthvalue,
    median as median,
    msort as msort,
    nanmedian as nanmedian,
    nanquantile as nanquantile,
    quantile as quantile,
    sort as sort,
    topk as topk,
    unique as unique,
    unique_consecutive as unique_consecutive,
)
from .ops.special import (
    erfc as erfc,
    erfinv as erfinv,
    igamma as igamma,
    igammac as igammac,
    logit as logit,
    sinc as sinc,
)
from .ops.splitting import (
    chunk as chunk,
    narrow as narrow,
    select as select,
    split as split,
    split_with_sizes as split_with_sizes,
    tensor_split as tensor_split,
    unbind as unbind,
)
from .ops.statistics import (
    corrcoef as corrcoef,
    cov as cov,
    histogram as histogram,
    histogramdd as histogramdd,
    mode as mode,
)
from .ops.stochastic import (
    alpha_dropout_ as alpha_dropout_,
    dropout_ as dropout_,
    feature_alpha_dropout_ as feature_alpha_dropout_,
    feature_dropout_ as feature_dropout_,
    plain_alpha_dropout as alpha_dropout,
    plain_dropout as dropout,
    plain_feature_alpha_dropout as feature_alpha_dropout,
    plain_feature_dropout as feature_dropout,
    rrelu as rrelu,
)
from .ops.storage import UntypedStorage as UntypedStorage
from .ops.strided import (
    as_strided as as_strided,
    as_strided_scatter as as_strided_scatter,
)
from .printing import get_printoptions as get_printoptions, set_printoptions as set_printoptions
from .random import (
    bernoulli as bernoulli,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    multinomial as multinomial,
    normal as normal,
    rand as rand,
    rand_like as rand_like,
    randint as randint,
    randint_like as randint_like,
    randn as randn,
    randn_like as randn_like,
    randperm as randperm,
    seed as seed,
    set_rng_state as set_rng_state,
)
from .settings import (
    are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled,
    compile as compile,
    get_deterministic_debug_mode as get_deterministic_debug_mode,
    get_float32_matmul_precision as get_float32_matmul_precision,
    get_num_interop_threads as get_num_interop_threads,
    get_num_threads as get_num_threads,
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled as is_warn_always_enabled,
    set_default_tensor_type as set_default_tensor_type,
    set_deterministic_debug_mode as set_deterministic_debug_mode,
    set_float32_matmul_precision as set_float32_matmul_precision,
    set_flush_denormal as set_flush_denormal,
    set_num_interop_threads as set_num_interop_threads,
    set_num_threads as set_num_threads,
    set_warn_always as set_warn_always,
    typename as typename,
    use_deterministic_algorithms as use_deterministic_algorithms,
)
from .signal.older import (
    bartlett_window as bartlett_window,
    blackman_window as blackman_window,
    hamming_window as hamming_window,
    hann_window as hann_window,
    kaiser_window as kaiser_window,
)
from .tensor import Size as Size, Tensor as Tensor
from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import (
        compiler as compiler,
        cpu as cpu,
        distributed as distributed,
        distributions as distributions,
        func as func,
        functional as functional,
        jit as jit,
        masked as masked,
        mps as mps,
        multiprocessing as multiprocessing,
        onnx as onnx,
        profiler as profiler,
        serialization as serialization,
        testing as testing,
        utils as utils,
        xpu as xpu,
    )
    from .func import vmap as vmap
    from .serialization import load as load, save as save

newaxis = None
OutOfMemoryError = cuda.OutOfMemoryError

# What many programs do without is imported when it is first asked for, which keeps the import of
# this package fast: where each name is.
_LATER = {
    "__config__": ".__config__",
    "compiler": ".compiler",
    "cpu": ".cpu",
    "distributed": ".distributed",
    "distributions": ".distributions",
    "func": ".func",
    "functional": ".functional",
    "jit": ".jit",
    "load": ".serialization",
    "masked": ".masked",
    "mps": ".mps",
    "multiprocessing": ".multiprocessing",
    "onnx": ".onnx",
    "profiler": ".profiler",
    "save": ".serialization",
    "serialization": ".serialization",
    "testing": ".testing",
    "types": ".types",
    "utils": ".utils",
    "vmap": ".func",
    "xpu": ".xpu",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LATER[name], __name__)
    value = module if _LATER[name] == f".{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


for _name in WITH_OUT:
    globals()[_name] = with_out(globals()[_name])
for _name in CREATORS:
    globals()[_name] = creates(globals()[_name])

# ----- what changes its argument -----
abs_ = Tensor.abs_
acos_ = Tensor.acos_
acosh_ = Tensor.acosh_
addmv_ = Tensor.addmv_
arccos_ = Tensor.arccos_
arccosh_ = Tensor.arccosh_
arcsin_ = Tensor.arcsin_
arcsinh_ = Tensor.arcsinh_
arctan_ = Tensor.arctan_
arctanh_ = Tensor.arctanh_
as_strided_ = Tensor.as_strided_
asin_ = Tensor.asin_
asinh_ = Tensor.asinh_
atan_ = Tensor.atan_
atanh_ = Tensor.atanh_
ceil_ = Tensor.ceil_
clamp_ = Tensor.clamp_
clamp_max_ = Tensor.clamp_max_
clamp_min_ = Tensor.clamp_min_
clip_ = Tensor.clip_
conj_physical_ = Tensor.conj_physical_
cos_ = Tensor.cos_
cosh_ = Tensor.cosh_
deg2rad_ = Tensor.deg2rad_
erf_ = Tensor.erf_
erfc_ = Tensor.erfc_
exp2_ = Tensor.exp2_
exp_ = Tensor.exp_
expm1_ = Tensor.expm1_
fill_ = Tensor.fill_
fix_ = Tensor.fix_
floor_ = Tensor.floor_
frac_ = Tensor.frac_
gcd_ = Tensor.gcd_
i0_ = Tensor.i0_
index_put_ = Tensor.index_put_
lcm_ = Tensor.lcm_
ldexp_ = Tensor.ldexp_
log10_ = Tensor.log10_
log1p_ = Tensor.log1p_
log2_ = Tensor.log2_
log_ = Tensor.log_
logit_ = Tensor.logit_
nan_to_num_ = Tensor.nan_to_num_
neg_ = Tensor.neg_
negative_ = Tensor.negative_
rad2deg_ = Tensor.rad2deg_
reciprocal_ = Tensor.reciprocal_
relu_ = Tensor.relu_
resize_as_ = Tensor.resize_as_
round_ = Tensor.round_
rsqrt_ = Tensor.rsqrt_
sigmoid_ = Tensor.sigmoid_
sin_ = Tensor.sin_
sinc_ = Tensor.sinc_
sinh_ = Tensor.sinh_
sqrt_ = Tensor.sqrt_
square_ = Tensor.square_
tan_ = Tensor.tan_
tanh_ = Tensor.tanh_
trunc_ = Tensor.trunc_
xlogy_ = Tensor.xlogy_
zero_ = Tensor.zero_

# As they are printed: <class 'tinygrad_rnn.Tensor'>
for _class in (Tensor, Size, dtype, device, finfo, iinfo, Generator):
    _class.__module__ = __name__

# Their errors name wrong arguments. (Modules imported later decorate their functions with @told.)
autograd.hints.tell(
    autograd, autograd.api, autograd.functional, linalg, nn, nn.functional, nn.init, nn.utils,
    nn.utils.parametrizations, nn.utils.parametrize, nn.utils.rnn, optim.swa_utils, random,
    signal.windows, special, sys.modules[__name__], accelerator, amp, cuda,
)  # fmt: skip
