"""The names of nodes, which `grad_fn` prints: PyTorch's."""

import pytest

from ..both import on_the_cpu, t as t


def leaf(t, *shape, low=0.1):
    numbers = t.arange(1, 1 + t.ones(shape).numel(), dtype=t.float32).reshape(shape)
    return (low + numbers / 10).requires_grad_()


NAMES = {
    # shapes
    "ConstantPadNdBackward0": lambda t, x: t.nn.functional.pad(x, (1, 1)),
    # matrices
    "LinalgVectorNormBackward0": lambda t, x: x.norm(),
    "LinalgVectorNormBackward0-rows": lambda t, x: t.linalg.norm(x, dim=1),
    "LinalgDetBackward0": lambda t, x: t.det(x[:, :2]),
    "LinalgInvExBackward0": lambda t, x: t.inverse(x[:, :2]),
    "LinalgCholeskyExBackward0": lambda t, x: t.linalg.cholesky(x @ x.mT + t.eye(2)),
    "LinalgSvdBackward0": lambda t, x: t.linalg.svd(x)[1],
    "LinalgEighBackward0": lambda t, x: t.linalg.eigh(x @ x.mT)[0],
    "TBackward0": lambda t, x: x.t(),
    "TransposeBackward0": lambda t, x: x.transpose(0, 1),
    "PermuteBackward0": lambda t, x: x.permute(1, 0),
    "PermuteBackward0-T": lambda t, x: x.T,
    "ViewBackward0": lambda t, x: x.view(-1),
    "UnsqueezeBackward0": lambda t, x: x.unsqueeze(1),
    "SqueezeBackward0": lambda t, x: x.squeeze(),
    "SqueezeBackward1": lambda t, x: x.squeeze(0),
    "ExpandBackward0": lambda t, x: x.expand(4, 2, 3),
    "SelectBackward0": lambda t, x: x[0],
    "SliceBackward0": lambda t, x: x[:, 1:],
    "IndexBackward0": lambda t, x: x[t.tensor([0, 1])],
    "CatBackward0": lambda t, x: t.cat([x, x]),
    "StackBackward0": lambda t, x: t.stack([x, x]),
    "SplitBackward0": lambda t, x: x.split(1)[0],
    "UnbindBackward0": lambda t, x: x.unbind()[0],
    "CloneBackward0": lambda t, x: x.clone(),
    # arithmetic
    "AddBackward0": lambda t, x: x + x,
    "SubBackward0": lambda t, x: x - 1,
    "RsubBackward1": lambda t, x: 1 - x,
    "MulBackward0": lambda t, x: 2 * x,
    "DivBackward0": lambda t, x: x / 2,
    "NegBackward0": lambda t, x: -x,
    "PowBackward0": lambda t, x: x**2,
    "PowBackward1": lambda t, x: x**x,
    "PowBackward2": lambda t, x: 2**x,
    "LerpBackward0": lambda t, x: x.lerp(x, 0.5),
    "LerpBackward1": lambda t, x: x.lerp(x, x),
    "AddcmulBackward0": lambda t, x: t.addcmul(x, x, x),
    "AddcdivBackward0": lambda t, x: t.addcdiv(x, x, x),
    "ExpBackward0": lambda t, x: x.exp(),
    "LogBackward0": lambda t, x: x.log(),
    "Log1PBackward0": lambda t, x: x.log1p(),
    "SqrtBackward0": lambda t, x: x.sqrt(),
    "TanhBackward0": lambda t, x: x.tanh(),
    "SigmoidBackward0": lambda t, x: x.sigmoid(),
    "ReluBackward0": lambda t, x: x.relu(),
    "ClampBackward1": lambda t, x: x.clamp(0, 1),
    "ClampBackward0": lambda t, x: x.clamp(x, x),
    "ClampMinBackward0": lambda t, x: x.clamp_min(0),
    "WhereBackward0": lambda t, x: t.where(x > 1, x, 0.0),
    "MaskedFillBackward0": lambda t, x: x.masked_fill(x > 1, 0),
    "ToCopyBackward0": lambda t, x: x.double(),
    # reductions
    "SumBackward0": lambda t, x: x.sum(),
    "SumBackward1": lambda t, x: x.sum(1),
    "MeanBackward0": lambda t, x: x.mean(),
    "MeanBackward1": lambda t, x: x.mean(1),
    "VarBackward0": lambda t, x: x.var(),
    "StdBackward0": lambda t, x: x.std(1),
    "ProdBackward0": lambda t, x: x.prod(),
    "MaxBackward0": lambda t, x: x.max(1).values,
    "MaxBackward1": lambda t, x: x.max(),
    "MinBackward0": lambda t, x: x.min(1).values,
    "MinBackward1": lambda t, x: x.min(),
    "AmaxBackward0": lambda t, x: x.amax(1),
    "LogsumexpBackward0": lambda t, x: x.logsumexp(1),
    "SoftmaxBackward0": lambda t, x: x.softmax(1),
    "LogSoftmaxBackward0": lambda t, x: x.log_softmax(1),
    "NativeLayerNormBackward0": lambda t, x: t.nn.functional.layer_norm(x, (3,)),
    "NativeBatchNormBackward0": lambda t, x: t.nn.functional.batch_norm(
        x, None, None, training=True),
    # places
    "GatherBackward0": lambda t, x: x.gather(1, t.tensor([[0], [1]])),
    "IndexSelectBackward0": lambda t, x: x.index_select(1, t.tensor([0])),
    "IndexAddBackward0": lambda t, x: x.index_add(0, t.tensor([1, 0]), x),
    "ScatterBackward0": lambda t, x: x.scatter(1, t.tensor([[0], [1]]), x),
    "ScatterAddBackward0": lambda t, x: x.scatter_add(1, t.tensor([[0], [1]]), x),
    "SortBackward0": lambda t, x: x.sort(1).values,
    "TopkBackward0": lambda t, x: x.topk(2).values,
    "KthvalueBackward0": lambda t, x: x.kthvalue(2).values,
    "MedianBackward1": lambda t, x: x.median(1).values,
    # products and layers
    "MmBackward0": lambda t, x: x @ x.t(),
    "MvBackward0": lambda t, x: t.mv(x, leaf(t, 3)),
    "DotBackward0": lambda t, x: t.dot(x[0], x[1]),
    "BmmBackward0": lambda t, x: t.bmm(x[None], x.t()[None]),
    "AddmmBackward0": lambda t, x: t.addmm(leaf(t, 2), x, x.t()),
    "AddmmBackward0-linear": lambda t, x: t.nn.Linear(3, 4)(x),
    "MmBackward0-linear": lambda t, x: t.nn.Linear(3, 4, bias=False)(x),
    "ViewBackward0-linear": lambda t, x: t.nn.Linear(3, 4)(x[None]),
    "UnsafeViewBackward0-linear": lambda t, x: t.nn.Linear(3, 4, bias=False)(x[None]),
    "EmbeddingBackward0": lambda t, x: t.nn.functional.embedding(t.tensor([1]), x),
    "LogSigmoidBackward0": lambda t, x: t.nn.functional.logsigmoid(x),
    "GeluBackward0": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    # losses
    "MseLossBackward0": lambda t, x: t.nn.MSELoss()(x, x),
    "MeanBackward0-l1": lambda t, x: t.nn.L1Loss()(x, x),
    "SmoothL1LossBackward0": lambda t, x: t.nn.SmoothL1Loss()(x, x),
    "HuberLossBackward0": lambda t, x: t.nn.HuberLoss()(x, x),
    "NllLossBackward0": lambda t, x: t.nn.NLLLoss()(x, t.tensor([0, 1])),
    "NllLossBackward0-cross": lambda t, x: t.nn.CrossEntropyLoss()(x, t.tensor([0, 1])),
    "AddBackward0-smooth": lambda t, x: t.nn.CrossEntropyLoss(label_smoothing=0.1)(
        x, t.tensor([0, 1])),
    "AddBackward0-smooth-none": lambda t, x: t.nn.functional.cross_entropy(
        x, t.tensor([0, 1]), label_smoothing=0.1, reduction="none"),
    "DivBackward1-probabilities": lambda t, x: t.nn.CrossEntropyLoss()(x, x.detach()),
    "NegBackward0-probabilities": lambda t, x: t.nn.CrossEntropyLoss(reduction="sum")(
        x, x.detach()),
    "NegBackward0-probabilities-none": lambda t, x: t.nn.CrossEntropyLoss(reduction="none")(
        x, x.detach()),
    "EmbeddingBagBackward0": lambda t, x: t.nn.functional.embedding_bag(t.tensor([[0, 1]]), x),
    "EmbeddingBagBackward0-max": lambda t, x: t.nn.functional.embedding_bag(
        t.tensor([[0, 1]]), x, mode="max"),
    "BinaryCrossEntropyBackward0": lambda t, x: t.nn.BCELoss()(x, x.detach()),
    "BinaryCrossEntropyWithLogitsBackward0": lambda t, x: t.nn.BCEWithLogitsLoss()(x, x.detach()),
    "SoftMarginLossBackward0": lambda t, x: t.nn.SoftMarginLoss()(x, x.detach()),
    "CtcLossBackward0": lambda t, x: t.nn.functional.ctc_loss(
        x[:, None], t.tensor([1]), [2], [1], reduction="none"),
}  # fmt: skip


@on_the_cpu
@pytest.mark.parametrize("name", NAMES)
def test_names(name, t):
    y = NAMES[name](t, leaf(t, 2, 3))
    assert y.grad_fn.name() == name.partition("-")[0]
    assert f"<{y.grad_fn.name()}>" in repr(y)


@on_the_cpu
def test_the_graph_of_a_loss(t):
    """What the tutorial of autograd prints."""
    net, x = t.nn.Linear(3, 2), t.ones(4, 3)
    loss = t.nn.MSELoss()(net(x), t.zeros(4, 2))
    linear = loss.grad_fn.next_functions[0][0]
    assert linear.name() == "AddmmBackward0"
    bias = linear.next_functions[0][0]
    assert bias.name() == "torch::autograd::AccumulateGrad" and bias.variable is net.bias
    assert linear.next_functions[1][0] is None  # the input needs no gradient
