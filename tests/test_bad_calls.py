"""Calls with arguments that make no sense: refused with PyTorch's kind of error, and words that say
which argument it is. (`python -m stress calls` makes tens of thousands of them.)"""

import numpy as np
import pytest

import tinygrad_rnn as tg

from .both import t as t

LARGE, HUGE = 2**62, 10**30
ARRAY = np.ones((2, 3))


def plane(t):
    return t.ones(1, 1, 4, 4)


def lrn(t):
    return t.nn.LocalResponseNorm(0)(t.ones(1, 2, 3))


def with_grad(t):
    x = t.ones(2, requires_grad=True)
    x.sum().backward()
    return x


def minimized(t, search):
    x = t.ones(1, requires_grad=True)

    def closure():
        (loss := (x * x).sum()).backward()
        return loss

    t.optim.LBFGS([x], line_search_fn=search).step(closure)


def padded(lengths):
    return lambda t: t.nn.utils.rnn.unpad_sequence(t.zeros(2, 3), lengths(t), batch_first=True)


REFUSED = {
    # types
    "tensordot": (lambda t: t.tensordot(t.ones(2, 2), t.ones(2, 2), ([0], [2])), IndexError,
                  "Dimension out of range"),
    "tensordot count": (lambda t: t.tensordot(t.ones(2), t.ones(2), 2), RuntimeError, "dims=2"),
    "dim": (lambda t: t.any(t.ones(2), dim=True), TypeError, "'dim' must be int, not bool"),
    "alpha": (lambda t: t.add(t.ones(2), 1, alpha=[1]), TypeError, "'alpha' must be Number"),
    "randint": (lambda t: t.randint(3, 4), TypeError, "'size' must be tuple of ints, not int"),
    "normal": (lambda t: t.normal(0.0, 1.0, 4), TypeError, "'size' must be tuple of ints"),
    "repeats": (lambda t: t.repeat_interleave(t.ones(2), "2"), TypeError, "'repeats' must be"),
    "quantile": (lambda t: t.ones(2).quantile([0.5]), TypeError, "'q' must be Tensor or float"),
    "Size": (lambda t: t.ones(2).shape[None], TypeError, "must be integers or slices, not None"),
    "Size sum": (lambda t: t.ones(2).shape + 1, TypeError, "can only concatenate tuple"),
    "new_ones": (lambda t: t.ones(2).new_ones(2, dtype=[1]), TypeError, "dtype"),
    "lazy": (lambda t: t.nn.UninitializedParameter(dtype="x"), TypeError, "dtype"),
    "adaptive": (lambda t: t.nn.functional.adaptive_avg_pool2d(plane(t), ("1", 1)), TypeError,
                 "'output_size' must be int"),
    "index_put": (lambda t: t.index_put(t.ones(2), (1,), t.ones(1)), TypeError,
                  "'indices' must be tuple of Tensors"),
    "an index": (lambda t: t.nn.ModuleList([])[None], TypeError, "NoneType"),
    "hx": (lambda t: t.nn.LSTM(1, 1)(t.ones(1, 1, 1), (1, 2)), (TypeError, AttributeError), ""),
    "p": (lambda t: t.ones(2).norm("x"), RuntimeError, "p must be a number"),
    "a class": (lambda t: t.nn.utils.skip_init(len), (TypeError, RuntimeError),
                "Expected a Module"),
    "Subset": (lambda t: list(t.utils.data.Subset("ab", "01")), TypeError, "indices must be"),
    "dims": (lambda t: t.tensordot(t.ones(2), t.ones(2), (1.0, 2)), (TypeError, RuntimeError),
             "two lists of dimensions"),
    "number of bins": (lambda t: t.histc(t.ones(2), 2.5), TypeError,
                       "'bins' (position 2) must be int"),
    "keys": (lambda t: t.nn.utils.get_total_norm({"a": 1}), (TypeError, AttributeError),
             "must be Tensor or tuple of Tensors"),
    "as_strided": (lambda t: t.ones(4).as_strided((2, -1), (2, 1)), RuntimeError, "negative"),
    "lu_solve": (lambda t: t.linalg.lu_solve(t.eye(1), t.tensor([9]).int(), t.eye(1)).tolist(),
                 RuntimeError, "must be between 1 and"),
    "averages": (lambda t: t.optim.swa_utils.get_swa_multi_avg_fn()(
        [t.ones(1)] * 2, [t.ones(1)], t.tensor(1)), (ValueError, RuntimeError), "got 1 for 2"),
    "a class for a module": (lambda t: t.nn.Transformer(4, 1, 1, 1, 1, custom_encoder=int)(
        t.ones(1, 4), t.ones(1, 4)), TypeError, "not the class int"),
    "no indices": (lambda t: list(t.utils.data.Subset("ab", True)), TypeError, "indices must be"),
    "no module": (lambda t: t.nn.Sequential(None)(t.ones(1)), TypeError, "modules is None"),
    "no dataset": (lambda t: list(t.utils.data.Subset(True, [0])), TypeError, "no samples"),
    "force": (lambda t: t.ones(2).numpy(force="x"), TypeError, "'force' must be bool"),
    "no data": (lambda t: list(t.utils.data.DataLoader(None)), TypeError, "not NoneType"),
    "a prefix": (lambda t: list(t.nn.Linear(1, 1).named_parameters(t.ones(2).cpu().numpy())),
                 (TypeError, ValueError), "'prefix' (position 1) must be str"),
    "a name": (lambda t: t.nn.ReLU().get_submodule(5), (TypeError, AttributeError),
               "'target' (position 1) must be str, not int"),
    "None for a number": (lambda t: t.nn.Dropout(None), TypeError, "Dropout(): argument 'p'"),
    "sections": (lambda t: t.ones(2, 2).vsplit(True), TypeError, "must be int or tuple of ints"),
    "addmv": (lambda t: t.addmv(t.ones(()).double(), t.eye(2), t.ones(2)), RuntimeError,
              "same dtype"),
    "bernoulli": (lambda t: t.bernoulli(t.ones(2).long()), NotImplementedError, "torch.int64"),
    "kernel_size": (
        lambda t: t.nn.MaxPool1d(t.arange(3))(t.ones(1, 4)),
        TypeError,
        "ints expected",
    ),
    "alpha of windows": (
        lambda t: t.signal.windows.general_hamming(3, alpha=t.ones(2)),
        ValueError,
        "only one element",
    ),
    "stride": (lambda t: t.nn.ConvTranspose2d(1, 1, 2, stride=int)(plane(t), output_size=(5, 5)),
               TypeError, "stride should be an int"),
    "size": (lambda t: t.nn.functional.interpolate(plane(t), size=int), TypeError, "expected size"),
    "seed": (lambda t: t.cuda.manual_seed(object()), TypeError, "'seed'"),
    "inference_mode": (lambda t: t.inference_mode([1]).__enter__(), (TypeError, AttributeError),
                       "'mode' must be bool, not list"),
    "anomalies": (lambda t: t.autograd.set_detect_anomaly(np.ones(2)), TypeError, "'mode' must be"),
    "autocast": (lambda t: t.autocast("cpu", enabled=np.ones(2)), (TypeError, ValueError),
                 "argument 'enabled' must be bool, not ndarray"),
    "index": (lambda t: t.device("cpu", np.ones(2, int)), TypeError, "index must be int, not nda"),
    "dtype": (lambda t: t.nn.UninitializedBuffer(dtype=np.ones(2)), TypeError, "expected a dtype"),
    "a seed's text": (lambda t: t.manual_seed("x"), ValueError, "'seed' must be int, got 'x'"),
    "indices by name": (lambda t: list(t.utils.data.SubsetRandomSampler({"a": 1})), KeyError,
                        "cannot take indices [0] of a dict"),
    # NumPy's arrays
    "shape": (lambda t: t.distributions.ReshapeTransform(ARRAY, (2,)), (TypeError, ValueError),
              "'in_shape' must be a tuple of ints"),
    "lengths": (lambda t: t.distributions.CatTransform(
        [t.distributions.ExpTransform()], lengths=ARRAY[:1])(t.ones(1)), (TypeError, ValueError),
        "lengths must be ints"),
    "strides": (lambda t: t.nn.ConvTranspose2d(1, 1, 2, stride=ARRAY)(plane(t), (5, 5)),
                (TypeError, ValueError), "stride should be an int"),
    "gradients": (lambda t: t.nn.utils.clip_grad_norm_(ARRAY, 1.0), (TypeError, AttributeError),
                  "'parameters' (position 1) cannot be ndarray"),
    "milestones": (lambda t: t.optim.lr_scheduler.MultiStepLR(t.optim.SGD([t.ones(1)]), ARRAY),
                   TypeError, "'milestones' (position 2) cannot be ndarray"),
    "search": (lambda t: minimized(t, ARRAY), (RuntimeError, ValueError), "only 'strong_wolfe'"),
    # shapes
    "output_size": (lambda t: t.nn.ConvTranspose2d(1, 1, 2)(t.ones(1), (5, 5)), IndexError,
                    "expected input of 3 or 4 dimensions, got 1"),
    "no such sample": (lambda t: t.utils.data.StackDataset([1])[3], IndexError,
                       "cannot take samples [3] of a list"),
    "a part of nothing": (lambda t: t.utils.data.Subset("ab", [1])[1], IndexError,
                          "cannot take indices [1] of a list"),
    "src": (lambda t: t.ones(2).scatter_reduce(0, t.tensor([0, 1]), t.ones(()), "amax"),
            RuntimeError, "to be no larger than src []"),
    "src of fewer dimensions": (lambda t: t.scatter(t.eye(2), 0, t.zeros(2, 2).long(), t.ones(4)),
                                (RuntimeError, IndexError), "same number of dimensions as src"),
    "src dtype": (lambda t: t.scatter(t.eye(2), 0, t.zeros(0).long(), t.ones(4).long()),
                  RuntimeError, "to be equal to src.dtype"),
    "p of other shape": (lambda t: t.eye(2).bernoulli_(t.ones(3)), RuntimeError, "expanded size"),
    "select_scatter": (lambda t: t.select_scatter(t.ones(()), t.ones(()), 0, 0), IndexError,
                       "cannot be applied to a 0-dim tensor"),
    "solve": (lambda t: t.linalg.solve(t.eye(2), t.ones(())), RuntimeError, "B must have"),
    "bins": (lambda t: t.histogram(t.ones(2), t.ones(2, 2)), RuntimeError, "one dimension"),
    "bins dtype": (lambda t: t.histogram(t.ones(2), t.ones(2).double()), RuntimeError,
                   "same dtype"),
    "multinomial": (lambda t: t.multinomial(t.ones(1, 1, 2), 1), RuntimeError, "1 or 2 dim"),
    "scatter": (lambda t: t.scatter(t.ones(()), 0, t.tensor(0), t.ones(0)), RuntimeError,
                "no larger than src"),
    "total_norm": (lambda t: t.nn.utils.clip_grads_with_norm_(with_grad(t), 1.0, t.ones(3) * 9),
                   RuntimeError, ""),
    "device index": (lambda t: t.device("cpu", []), TypeError, "index must be int, not list"),
    "device": (lambda t: t.device("cuda", -1), RuntimeError, "must not be negative"),
    "slice_scatter": (lambda t: t.slice_scatter(t.ones(()), t.ones(2)), IndexError, "0-dim"),
    "weight": (lambda t: t.histogram(t.ones(2), 2, weight=t.ones(3)), RuntimeError, "weight"),
    "norm_type": (lambda t: t.nn.LPPool1d(0, 2)(t.ones(1, 2)), (ValueError, ZeroDivisionError),
                  "norm_type must not be 0"),
    "T_max": (lambda t: t.optim.lr_scheduler.CosineAnnealingLR(
        t.optim.SGD([t.ones(1)]), T_max="2").step(), TypeError, "'T_max' must be number, not str"),
    "unpad_sequence": (padded(lambda t: t.tensor([1])), ValueError, "expected lengths of shape (2"),
    "pairs": (lambda t: t.nn.ModuleDict([[t.nn.ReLU()]]), ValueError, "sequence element #0"),
    "batch": (lambda t: t.utils.data.default_collate([]), IndexError, "the batch is empty"),
    "samples": (lambda t: list(t.utils.data.DataLoader([1], sampler=[3])), IndexError, "[3]"),
    "concatenated": (lambda t: t.utils.data.ConcatDataset([[1, 2]])[2], IndexError, "index"),
    # values
    "groups": (lambda t: t.nn.GroupNorm(0, 4), (ValueError, ZeroDivisionError),
               "GroupNorm(): argument 'num_groups' (position 1) must not be 0"),
    "chances": (lambda t: t.bernoulli(t.tensor([0.5, 1.5])).tolist(), RuntimeError, "[0, 1]"),
    "no chances": (lambda t: t.eye(2).bernoulli_(t.tensor(t.nan))[0].tolist(), RuntimeError, "1]"),
    "renorm": (lambda t: t.embedding_renorm_(t.ones(1, 2), t.tensor([1]), 1.0, 2.0).tolist(),
               IndexError, "out of range"),
    "local_response_norm": (lrn, RuntimeError, "size should be greater than zero"),
    "tensor_split": (lambda t: t.tensor_split(t.ones(3), t.tensor([0.5])), RuntimeError, "ints"),
    "lu_unpack": (lambda t: t.lu_unpack(t.eye(2), t.tensor([1, 3]).int())[0].tolist(),
                  RuntimeError, "must be between 1 and"),
    "pad": (lambda t: t.nn.functional.pad(t.zeros(1).int(), (1, 1), value=-t.inf), RuntimeError,
            "without overflow"),
    "too large for half": (
        lambda t: t.ones(2).half().masked_fill(t.ones(2).bool(), -1e9),
        RuntimeError,
        "to type torch.float16 without overflow",
    ),
    "too large for a byte": (
        lambda t: t.ones(2).byte().masked_fill_(t.ones(2).bool(), 300),
        RuntimeError,
        "without overflow",
    ),
    "full": (lambda t: t.full((2,), 1e41), RuntimeError, "without overflow"),
    "new_full": (lambda t: t.ones(1).half().new_full((2,), 2**40), RuntimeError, "overflow"),
    "constant_": (lambda t: t.nn.init.constant_(t.ones(2), 1e41), RuntimeError, "overflow"),
    "pad with": (
        lambda t: t.nn.functional.pad(t.ones(1), (1, 1), value=1e41),
        RuntimeError,
        "without overflow",
    ),
    "clamp": (lambda t: t.ones(2).byte().clamp(max=300), RuntimeError, "without overflow"),
    "segments": (
        lambda t: t.utils.checkpoint.checkpoint_sequential(
            t.nn.Sequential(t.nn.ReLU()), 2**62, t.ones(1), use_reentrant=False
        ),
        ValueError,
        "from 1 to the number of functions (1)",
    ),
    "no function": (
        lambda t: t.utils.checkpoint.checkpoint_sequential(
            [None, t.nn.ReLU()], 1, t.ones(1), use_reentrant=False
        ),
        TypeError,
        "function 0 is NoneType",
    ),
    "fill_": (lambda t: t.zeros(2).int().fill_(1e30), RuntimeError, "without overflow"),
    # sizes that no memory has
    "resize_": (lambda t: t.ones(2).resize_(LARGE), RuntimeError, "overflowed with sizes"),
    "eye": (lambda t: t.eye(2**40), RuntimeError, "eye(): argument 'n' (position 1) is out of"),
    "arange": (lambda t: t.arange(0, LARGE), RuntimeError, f"from 0 to {LARGE} are out of range"),
    "far": (lambda t: t.arange(HUGE, dtype=t.float32), (RuntimeError, OverflowError), "of range"),
    "result_type": (lambda t: t.result_type(), TypeError, "got no arguments"),
    "histc": (lambda t: t.histc(t.ones(2), LARGE), RuntimeError, "overflowed with sizes"),
    "reinterpreted dimensions": (
        lambda t: t.distributions.constraints.independent(t.distributions.constraints.real, -1),
        AssertionError, "reinterpreted_batch_ndims"),
    "lengths of nan": (lambda t: t.nn.utils.rnn.pack_padded_sequence(
        t.ones(3, 1), t.tensor([t.nan])), RuntimeError, "has to be greater than 0"),
    "swa_lr": (lambda t: t.optim.swa_utils.SWALR(t.optim.SGD([with_grad(t)]), range(3)).step(),
               TypeError, "swa_lr must be float or Tensor, not range"),
    "out_shape": (lambda t: t.distributions.ReshapeTransform((4,), [None]), TypeError,
                  "'out_shape' must be a tuple of ints"),
    "logspace": (lambda t: t.logspace(t.nan, 1, 3, dtype=t.int64), RuntimeError, "'start'"),
    "diag": (lambda t: t.distributions.utils.vec_to_tril_matrix(t.ones(3), t.tensor(0)), TypeError,
             "'diag' must be int, not Tensor"),
    "clamp on both sides": (lambda t: t.clamp(t.ones(2).half(), -1e30, 1e30), RuntimeError,
                            "without overflow"),
    "logit": (lambda t: t.logit(t.ones(2).half(), 1e30), RuntimeError, "without overflow"),
    "hardtanh": (lambda t: t.nn.functional.hardtanh(t.ones(2).half(), -1, 1e30), RuntimeError,
                 "without overflow"),
    "threshold": (lambda t: t.nn.functional.threshold(t.ones(2).half(), 0, 1e30), RuntimeError,
                  "without overflow"),
    "tensordot of one number": (lambda t: t.tensordot(t.ones(()), t.ones(2), ([0], [0])),
                                IndexError, "one of the tensors has none"),
    "size of an array": (lambda t: t.ones(2).size(np.ones(3)), TypeError,
                         "'dim' must be int, not ndarray"),
    "lstsq": (lambda t: t.linalg.lstsq(t.ones(2, 3), t.ones(1, 2, 3)), RuntimeError,
              "as many dimensions as input, or one less"),
    "to": (lambda t: tg.ones(2).to(False), TypeError, "expected dtype, device or Tensor"),
    "linspace": (lambda t: t.linspace(0, t.nan, 3, dtype=t.int64), RuntimeError, "int64"),
    "gradient": (lambda t: t.gradient(t.ones(()), dim=0), IndexError, "no dimensions"),
    "randint of floats": (lambda t: t.randint(2, 10.0, (5,)), TypeError, "'high' must be int"),
    "amount": (lambda t: tg.nn.utils.prune.L1Unstructured(tg.nan).prune(tg.ones(2)), ValueError,
               "amount=nan"),
    "assigned": (lambda t: t.ones(2, 3).__setitem__(0, ["a"]), TypeError, "can't assign"),
    "masked": (lambda t: t.ones(2, 3).__setitem__(t.ones(2, 3) > 0, t.ones(2, 3)), RuntimeError,
               "shape mismatch: value tensor of shape [2, 3]"),
    "lstm_cell": (lambda t: t.lstm_cell(t.ones(1, 1), (2, -1), t.ones(4, 1), t.ones(4, 1)),
                  TypeError, "'hx' must be a tuple of two Tensors"),
    "offsets": (lambda t: t.nn.functional.embedding_bag(
        t.tensor([0, 1]), t.ones(2, 2), t.tensor([0.0])), RuntimeError, "offsets"),
    "attention": (lambda t: t.nn.functional.multi_head_attention_forward(
        *[t.ones(3, 2)] * 3, 2, 1, t.ones(5, 2), None, None, None, False, 0.0, t.ones(2, 2), None),
        RuntimeError, "in_proj_weight must have 3 * embed_dim = 6 rows"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(t, name):
    program, kind, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        program(t)
    if t is tg:
        assert text in str(caught.value)


def test_windows_of_negative_size():
    """PyTorch reads what is there by chance."""
    with pytest.raises(RuntimeError, match=r"kernel_size=\(-2, -2\)"):
        tg.nn.functional.fractional_max_pool2d(plane(tg), -2, 2)


def test_determinants_of_nan_do_not_warn():
    x = tg.full((1, 1), tg.nan)
    assert tg.linalg.det(x).isnan() and tg.linalg.slogdet(x).logabsdet.isnan()


def far(t):
    x = t.ones(2, 3)
    return x.diagonal(LARGE), x.diagonal(-LARGE), t.diag(x, -(2**31)), t.tril(x, LARGE)


GIVEN = {
    "far diagonals": far,
    "between two diagonals": lambda t: (
        t.distributions.utils.tril_matrix_to_vec(t.eye(2), diag=-0.5),
        t.distributions.utils.vec_to_tril_matrix(t.ones(3), diag=-0.5),
    ),
    "a base that is a tensor": lambda t: (t.logspace(0, 2, 3, base=t.tensor(2.0)),),
    "slope": lambda t: (t.nn.functional.leaky_relu(t.tensor([-1.0, 2.0]), t.tensor(-2)),),
    "shapes of bools": lambda t: tuple(map(str, t.broadcast_shapes([False, True], 1))),
    "lstsq": lambda t: (t.linalg.lstsq(t.eye(3)[None, :2], t.ones(2, 3)).solution.shape,),
    "weights of bincount": lambda t: tuple(
        t.bincount(t.tensor([0, 2, 2])[:n], weights=t.ones(3, dtype=getattr(t, kind))[:n])
        for kind in ("float16", "float32", "float64", "int32")
        for n in (0, 3)
    ),
    "huge deviations": lambda t: (t.normal(0, HUGE, (2,)).isfinite(),),
    "min along a dimension that is a tensor": lambda t: t.min(t.ones(2), t.tensor(0), True),
    "allclose": lambda t: (t.ones(2).allclose(t.ones(2), atol=t.tensor(0.1)),),
    "isclose": lambda t: (t.isclose(t.ones(2).bool(), t.ones(2).bool(), rtol=2**31),),
    "histc": lambda t: (t.histc(t.ones(3), 2, t.tensor(0), 4),),
    "normal": lambda t: (t.normal(t.zeros(1), t.zeros(1).double()),),
    "replicate": lambda t: (t.nn.functional.pad(t.ones(1, 2), (1, 2), "replicate"),),
    "reflect": lambda t: (t.nn.functional.pad(t.arange(3.0)[None], (2, 1), "reflect"),),
    "diagonal_scatter": lambda t: (t.zeros(2, 2).bool().diagonal_scatter(t.ones(2)),),
    "RMSNorm": lambda t: (t.nn.RMSNorm(2, dtype=t.float64)(t.ones(1, 2)).detach(),),
    "broadcast_shapes": lambda t: t.broadcast_shapes(True),
    "histc of tensors": lambda t: (t.histc(t.ones(3), t.tensor(2), max=4),),
    "one_hot": lambda t: (t.nn.functional.one_hot(t.tensor([1]), t.tensor(2)),),
    "pad_sequence": lambda t: (t.nn.utils.rnn.pad_sequence([t.ones(2).int(), t.ones(1).long()]),),
    "eye": lambda t: (t.eye(True),) if t is tg else (t.eye(1),),
    "scale": lambda t: (t.amp.GradScaler("cpu", init_scale=4.0).scale(t.ones(()).half()),),
    "softplus": lambda t: (t.nn.functional.softplus(t.tensor(-2.0), 2, t.tensor(-100)),),
    "bce": lambda t: (
        t.nn.functional.binary_cross_entropy(*[t.full((), 0.5)] * 2, t.ones(()).double()),
    ),
    "huge batches": lambda t: tuple(t.utils.data.BatchSampler([1, 2], 2**63 - 1, False)),
    "ldexp": lambda t: (t.ldexp(t.ones(()).half(), t.tensor(2)),),
    "trapezoid": lambda t: (t.trapezoid(t.zeros(0).int(), t.zeros(1)),),
    "matrix_rank": lambda t: (t.linalg.matrix_rank(t.ones(0, 0), rtol=t.ones(3, 2)),),
    "a dataset's only part": lambda t: (t.utils.data.ConcatDataset([[1, 2]])[-1],),
    "polygamma": lambda t: tuple(
        t.polygamma(n, t.tensor([1.5, 5.0, 0.5, -3.3, -3.7, -2.0, 0.0]).double())
        for n in (200, 201)
    ),
    "mvlgamma": lambda t: (t.mvlgamma(t.tensor([5.0, 6.0]).double(), 4).float(),),
    "vander": lambda t: (t.linalg.vander(t.tensor([[2, 3]]), N=3),),
    "addr": lambda t: (t.addr(t.ones(()).double(), t.ones(2), t.ones(3).half()),),
    "triangular_solve": lambda t: tuple(t.triangular_solve(t.ones(1, 2, 1), t.eye(2))),
    "bernoulli": lambda t: (
        t.zeros(3).bernoulli(t.tensor(1)),
        t.eye(2).bernoulli_(t.ones(2)),
        t.zeros(3).long().bernoulli_(t.tensor(0.0)),
    ),
    "one section": lambda t: (
        *t.eye(4).vsplit(t.tensor([2])),
        *t.arange(3).tensor_split(t.tensor([1])),
    ),
    "samples": lambda t: (
        t.utils.data.Subset("abc", [2, 0])[1],
        t.utils.data.Subset(t.arange(3), [2, 0])[[0, 1]],
    ),
    "whole numbers": lambda t: (
        t.arange(3).masked_fill(t.arange(3) > 0, 2.5),
        t.zeros(2).byte().fill_(-1),
    ),
    "as_strided_scatter": lambda t: (
        t.as_strided_scatter(t.zeros(3, 3)[0], t.ones(2, 2), (2, 2), (1, 2)),
    ),
    "reduce=0": lambda t: (t.nn.CosineEmbeddingLoss(reduce=0)(*[t.ones(2, 2)] * 2, t.ones(2)),),
}


@pytest.mark.filterwarnings(
    "ignore:size_average and reduce", "ignore:Mismatch dtype", "ignore:torch.triangular_solve"
)
@pytest.mark.parametrize("name", GIVEN)
def test_unusual_but_right(t, name):
    """The same shapes, dtypes and values as PyTorch's."""
    torch = pytest.importorskip("torch")
    for mine, theirs in zip(GIVEN[name](t), GIVEN[name](torch), strict=True):
        if isinstance(theirs, torch.Tensor):
            assert (tuple(mine.shape), str(mine.dtype)) == (tuple(theirs.shape), str(theirs.dtype))
            assert mine.tolist() == theirs.tolist()
        else:
            assert mine == theirs


DTYPES = {
    "zeros": lambda t: t.zeros(2, dtype=int),
    "tensor": lambda t: t.tensor([1], dtype=float),
    "ones_like": lambda t: t.ones_like(t.ones(2), dtype=bool),
    "rand": lambda t: t.rand(2, dtype=float),
    "new_zeros": lambda t: t.ones(2).new_zeros(2, dtype=int),
    "new_full": lambda t: t.ones(2).new_full((2,), 1, dtype=bool),
    "sum": lambda t: t.ones(2).sum(dtype=float),
    "softmax": lambda t: t.nn.functional.softmax(t.ones(2), 0, dtype=float),
    "Linear": lambda t: t.nn.Linear(2, 3, dtype=float).weight,
    "finfo": lambda t: t.finfo(float),
    "iinfo": lambda t: t.iinfo(int),
}


@pytest.mark.parametrize("name", DTYPES)
def test_pythons_types_are_dtypes(t, name):
    wanted = {"zeros": "int64", "iinfo": "int64", "new_zeros": "int64", "ones_like": "bool",
              "new_full": "bool"}.get(name, "float64")  # fmt: skip
    assert str(DTYPES[name](t).dtype).removeprefix("torch.") == wanted
