"""In a training step the host does not wait for a GPU: of no layer, loss, optimizer, schedule or
helper, but for those named here."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

from .conftest import HAS_GPU

pytestmark = pytest.mark.names_devices

STANDIN_ONLY = pytest.mark.skipif(HAS_GPU, reason="counts how often the stand-in waited")
NoSync = Callable[[], contextlib.AbstractContextManager[Any]]


def x(*shape: int) -> Any:
    """Numbers in [0, 1) on the GPU, with a gradient."""
    return torch.rand(*shape).cuda().requires_grad_()


def n(high: int, *shape: int) -> Any:
    """Whole numbers below high on the GPU."""
    return torch.randint(high, shape).cuda()


def sized(name: str, dims: str, *args: Any, **options: Any) -> dict[str, Any]:
    """A layer for each number of dimensions, on an input (2, 4, 8, ...)."""
    return {
        f"{name}{d}d": (getattr(nn, f"{name}{d}d"), args, options, lambda d=d: [x(2, 4, *[8] * d)])
        for d in map(int, dims)
    }


def plain(
    names: str, *args: Any, of: Callable[[], list[Any]] = lambda: [x(2, 4)], **options: Any
) -> dict[str, Any]:
    return {name: (getattr(nn, name), args, options, of) for name in names.split()}


def loss(name: str, of: Callable[[], list[Any]], **options: Any) -> dict[str, Any]:
    return {name: (getattr(nn, name), (), options, of)}


def unpooled(d: int) -> list[Any]:
    pool = getattr(F, f"max_pool{d}d")
    return list(pool(x(1, 2, *[4] * d), 2, return_indices=True))


def recurrent(name: str) -> dict[str, Any]:
    cell = getattr(nn, f"{name}Cell")
    return {
        name: (getattr(nn, name), (4, 5, 2), {"dropout": 0.5}, lambda: [x(3, 2, 4)]),
        f"{name}Cell": (cell, (4, 5), {}, lambda: [x(2, 4)]),
        f"{name} of lengths": (
            getattr(nn, name), (4, 5), {"bidirectional": True},
            lambda: [nn.utils.rnn.pack_padded_sequence(x(3, 2, 4), [3, 1])],
        ),
    }  # fmt: skip


def log_probs() -> Any:
    return x(5, 2, 4).log_softmax(2)


# By name: what to make, of which arguments and options, and what it is called with
LAYERS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any], Callable[[], list[Any]]]] = {
    **recurrent("RNN"), **recurrent("GRU"), **recurrent("LSTM"),
    **sized("Conv", "123", 4, 4, 3, padding=1), **sized("ConvTranspose", "123", 4, 4, 3, stride=2),
    **sized("LazyConv", "123", 4, 3), **sized("LazyConvTranspose", "123", 4, 3),
    **sized("AvgPool", "123", 2), **sized("MaxPool", "123", 2), **sized("LPPool", "123", 2, 2),
    **sized("AdaptiveAvgPool", "123", 3), **sized("AdaptiveMaxPool", "123", 3),
    **sized("FractionalMaxPool", "23", 2, output_size=4),
    **sized("BatchNorm", "123", 4, momentum=None), **sized("LazyBatchNorm", "123"),
    **sized("InstanceNorm", "123", 4, affine=True), **sized("LazyInstanceNorm", "123"),
    **{f"MaxUnpool{d}d": (getattr(nn, f"MaxUnpool{d}d"), (2,), {}, lambda d=d: unpooled(d))
       for d in (1, 2, 3)},
    **sized("ReflectionPad", "123", 1), **sized("ReplicationPad", "123", 1),
    **sized("ConstantPad", "123", 1, 0.5), **sized("CircularPad", "123", 1),
    **sized("ZeroPad", "123", 1), **sized("Dropout", "123"),
    **plain("CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh Identity LeakyReLU LogSigmoid "
            "Mish PReLU ReLU ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink "
            "Dropout AlphaDropout GLU Flatten"),
    **plain("LogSoftmax Softmax Softmin", 1), **plain("Threshold", 0.5, 0.1),
    **plain("LayerNorm RMSNorm", 4), **plain("Linear", 4, 3), **plain("LazyLinear", 3),
    **plain("GroupNorm", 2, 4), **plain("LocalResponseNorm", 2, of=lambda: [x(2, 4, 3)]),
    **plain("Unflatten", 1, (2, 2)), **plain("FeatureAlphaDropout", of=lambda: [x(2, 4, 3, 3)]),
    **plain("Softmax2d", of=lambda: [x(2, 4, 3, 3)]), **plain("Bilinear", 4, 3, 2, of=lambda: [
        x(2, 4), x(2, 3)]),
    **plain("CosineSimilarity PairwiseDistance", of=lambda: [x(2, 4), x(2, 4)]),
    **plain("ChannelShuffle PixelShuffle", 2, of=lambda: [x(1, 4, 2, 2)]),
    **plain("PixelUnshuffle", 2, of=lambda: [x(1, 1, 4, 4)]),
    **plain("Fold", (4, 4), 2, of=lambda: [x(1, 4, 9)]),
    **plain("Unfold", 2, of=lambda: [x(1, 2, 4, 4)]), **plain("Upsample", None, 2, of=lambda: [
        x(1, 2, 4)]),
    **plain("UpsamplingBilinear2d UpsamplingNearest2d", None, 2, of=lambda: [x(1, 2, 3, 3)]),
    **plain("Embedding", 9, 4, 0, of=lambda: [n(9, 2, 3)]),
    "Embedding, by frequency": (
        nn.Embedding, (9, 4), {"scale_grad_by_freq": True}, lambda: [n(9, 2, 3)],
    ),
    **plain("EmbeddingBag", 9, 4, of=lambda: [n(9, 6), torch.tensor([0, 2]).cuda()]),
    "EmbeddingBag, padding": (nn.EmbeddingBag, (9, 4), {"padding_idx": 0}, lambda: [n(9, 2, 3)]),
    **plain("MultiheadAttention", 4, 2, 0.1, of=lambda: [x(3, 2, 4)] * 3),
    **plain("Transformer", 4, 2, 1, 1, 8, of=lambda: [x(3, 2, 4), x(2, 2, 4)]),
    **plain("TransformerEncoderLayer", 4, 2, 8, of=lambda: [x(3, 2, 4)]),
    **plain("TransformerDecoderLayer", 4, 2, 8, of=lambda: [x(3, 2, 4), x(2, 2, 4)]),
    **loss("MSELoss", lambda: [x(2, 4), x(2, 4)]), **loss("L1Loss", lambda: [x(2, 4), x(2, 4)]),
    **loss("SmoothL1Loss", lambda: [x(2, 4), x(2, 4)]), **loss("HuberLoss", lambda: [x(3), x(3)]),
    **loss("BCELoss", lambda: [x(2, 4), x(2, 4)]),
    **loss("BCEWithLogitsLoss", lambda: [x(3), x(3)]),
    **loss("CrossEntropyLoss", lambda: [x(2, 4), n(4, 2)], ignore_index=1, label_smoothing=0.1),
    **loss("NLLLoss", lambda: [x(2, 4), n(4, 2)]),
    **plain("LinearCrossEntropyLoss", 4, 3, of=lambda: [x(2, 4), n(3, 2)]),
    **loss("KLDivLoss", lambda: [x(2, 4), x(2, 4)], reduction="batchmean"),
    **loss("PoissonNLLLoss", lambda: [x(3), x(3)], full=True),
    **loss("GaussianNLLLoss", lambda: [x(3), x(3), x(3)]),
    **loss("CosineEmbeddingLoss", lambda: [x(2, 4), x(2, 4), n(2, 2) * 2 - 1]),
    **loss("HingeEmbeddingLoss", lambda: [x(3), n(2, 3) * 2 - 1]),
    **loss("MarginRankingLoss", lambda: [x(3), x(3), n(2, 3) * 2 - 1]),
    **loss("SoftMarginLoss", lambda: [x(3), n(2, 3) * 2 - 1]),
    **loss("MultiMarginLoss", lambda: [x(2, 4), n(4, 2)]),
    **loss("MultiLabelMarginLoss", lambda: [x(2, 4), n(4, 2, 4)]),
    **loss("MultiLabelSoftMarginLoss", lambda: [x(2, 4), n(2, 2, 4)]),
    **loss("TripletMarginLoss", lambda: [x(2, 4), x(2, 4), x(2, 4)]),
    **loss("TripletMarginWithDistanceLoss", lambda: [x(2, 4), x(2, 4), x(2, 4)]),
    **loss("CTCLoss", lambda: [log_probs(), n(3, 2, 2) + 1, [5, 4], [2, 1]]),
}  # fmt: skip
# Where the host waits, and why
WAITING: dict[str, Any] = {
    # It draws as many numbers as there are negative ones, the same as on the CPU
    **plain("RReLU", of=lambda: [x(2, 4) - 0.5]),
    # It computes each cluster for the rows that are in it
    **plain("AdaptiveLogSoftmaxWithLoss", 16, 9, [3, 6], of=lambda: [x(5, 16), n(9, 5)]),
    # It pads all bags to the size of the largest
    "EmbeddingBag, max": (nn.EmbeddingBag, (9, 4), {"mode": "max"}, lambda: [n(9, 2, 3)]),
    # Lengths that are on the GPU; those of the host, or numbers, are read there
    **loss("CTCLoss", lambda: [log_probs(), n(3, 2, 2) + 1, n(1, 2) + 5, n(1, 2) + 2]),
}
# Without mathematics of their own, or under a second name
BESIDE = [
    "Buffer", "Cell", "DataParallel", "Module", "ModuleDict", "ModuleList", "NLLLoss2d",
    "Parameter", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase", "Recurrent",
    "Sequential", "TransformerDecoder", "TransformerEncoder", "UninitializedBuffer",
    "UninitializedParameter",
]  # fmt: skip


def stepped(make: Any, args: Any, options: Any) -> Callable[[list[Any]], None]:
    """A step of training a layer."""
    module = make(*args, **options).cuda()

    def step(given: list[Any]) -> None:
        module.zero_grad()
        outputs = [part for part in leaves(module(*given)) if part.requires_grad]
        sum(part.square().sum() for part in outputs).backward()

    return step


def leaves(result: Any) -> list[Any]:
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    return []


@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_losses(name: str, no_sync: NoSync):
    *layer, inputs = LAYERS[name]
    step = stepped(*layer)
    step(inputs())  # compiles kernels and makes lazy parameters
    given = inputs()
    with no_sync():
        step(given)
    torch.cuda.synchronize()  # nothing was out of range


@pytest.mark.parametrize(
    "lengths", [[3, 1], torch.tensor([3, 1], device="cpu")], ids=["list", "tensor"]
)
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_lengths_of_the_host(cell: str, lengths: Any, no_sync: NoSync):
    layer = getattr(nn, cell)(4, 5, num_layers=2).cuda()
    for number in range(2):
        given = x(3, 2, 4)
        with no_sync() if number else contextlib.nullcontext():
            layer(given, lengths=lengths)[0].sum().backward()


@STANDIN_ONLY
@pytest.mark.parametrize("name", WAITING)
def test_where_the_host_waits(name: str, no_sync: NoSync):
    *layer, inputs = WAITING[name]
    step = stepped(*layer)
    with pytest.raises(RuntimeError, match="waits for the device"), no_sync():
        step(inputs())


def test_no_class_is_left_out():
    classes = {name for name, cls in vars(nn).items() if isinstance(cls, type) and name[0] != "_"}
    assert classes - {*LAYERS, *WAITING, *BESIDE} == set()


# ----- what else is in a step -----


OPTIMIZERS = [
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam", "RAdam",
    "RMSprop", "Rprop", "SGD",
]  # fmt: skip
SCHEDULES: dict[str, tuple[Any, ...]] = {
    "ConstantLR": (), "CosineAnnealingLR": (5,), "CosineAnnealingWarmRestarts": (3,),
    "CyclicLR": (0.1, 0.5), "ExponentialLR": (0.9,), "LambdaLR": (lambda e: 1 / (e + 1),),
    "LinearLR": (), "MultiStepLR": ([2],), "MultiplicativeLR": (lambda e: 0.9,),
    "OneCycleLR": (0.1, 10), "PolynomialLR": (), "StepLR": (2,),
}  # fmt: skip


def a_step(algorithm: Any, model: Any, given: Any) -> None:
    algorithm.zero_grad()
    model(given).square().mean().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0, float("inf"))
    nn.utils.clip_grad_value_(model.parameters(), 0.5)
    algorithm.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str, no_sync: NoSync):
    model, given = nn.Linear(4, 3, bias=False).cuda(), x(2, 4)
    algorithm = getattr(optim, name)(model.parameters(), lr=0.1)
    averaged = optim.swa_utils.AveragedModel(model)
    for number in range(4):
        with no_sync() if number > 1 else contextlib.nullcontext():
            a_step(algorithm, model, given)
            averaged.update_parameters(model)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str, no_sync: NoSync):
    model, given = nn.Linear(4, 3).cuda(), x(2, 4)
    algorithm = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = getattr(optim.lr_scheduler, name)(algorithm, *SCHEDULES[name])
    for number in range(3):
        with no_sync() if number else contextlib.nullcontext():
            a_step(algorithm, model, given)
            schedule.step()


def test_reductions_at_places(no_sync: NoSync):
    given, at = x(2, 4), n(3, 4)
    with no_sync():
        for reduce in ("prod", "mean", "amax", "amin"):
            torch.ones(2, 3, device="cuda").index_reduce(1, at, given, reduce).sum().backward()


@STANDIN_ONLY
def test_a_scaler_of_gradients_waits_once(monkeypatch: pytest.MonkeyPatch):
    """It leaves a step out if a gradient is not finite, and must know before."""
    standin = importlib.import_module("cupy.standin")
    model, given = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)).cuda(), x(2, 4)
    algorithm = optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cuda")
    before = standin.syncs
    for number in range(3):
        algorithm.zero_grad()
        scaler.scale(model(given).square().mean()).backward()
        scaler.unscale_(algorithm)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(algorithm)
        scaler.update()
        assert standin.syncs == before + number + 1
