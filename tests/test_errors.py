"""What goes wrong in recurrent programs, and what is said about it: next to PyTorch, or better.

In each row a program (of the library), and words that its error's message has, ours and PyTorch's.
"""

import math
import warnings

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn

from .nn.side_by_side import pytorch, refused

KINDS = ("RNN", "LSTM", "GRU")


def layer(kind, *args, **options):
    """A program that makes a layer (of 3 inputs and 5 hidden units unless told otherwise)."""
    return lambda t: getattr(t.nn, kind)(*(args or (3, 5)), **options)


def call(kind, shape, hx=None, **options):
    """A program that calls one; hx is a shape, or for an LSTM two."""

    def program(t):
        state = hx
        if hx is not None:
            state = tuple(t.zeros(s) for s in hx) if type(hx) is list else t.zeros(hx)
        return getattr(t.nn, kind)(3, 5, **options)(t.zeros(*shape), state)

    return program


# ----- recurrent layers -----

PROBABILITY = (
    "dropout should be a number in range [0, 1] representing the probability of an element being"
)
LAYERS = {
    **{f"{kind} {name}": (layer(kind, *args), f"{name} must be greater than zero")
       for kind in KINDS
       for name, args in (("hidden_size", (3, 0)), ("hidden_size", (3, -1)),
                          ("num_layers", (3, 5, 0)), ("input_size", (0, 5)))},
    **{f"{kind} types {i}": (layer(kind, *args, **options), text)
       for kind in KINDS
       for i, (args, options, text) in enumerate([
           ((3, 5.0), {}, "hidden_size should be of type int, got: float"),
           (("3", 5), {}, "input_size should be of type int, got: str"),
           ((3, 5), {"bias": 1}, "bias should be of type bool, got: int"),
           ((3, 5), {"batch_first": 1}, "batch_first should be of type bool, got: int"),
           ((3, 5), {"dropout": 1.5}, PROBABILITY),
           ((3, 5), {"dropout": True}, PROBABILITY),
       ])},
    "nonlinearity": (layer("RNN", nonlinearity="sigm"), "Unknown nonlinearity 'sigm'. Select from"),
    "proj_size": (layer("LSTM", proj_size=5), "proj_size has to be smaller than hidden_size"),
    "proj_size negative": (layer("LSTM", proj_size=-1),
                           "proj_size should be a positive integer or zero to disable projections"),
    "proj_size GRU": (layer("GRU", proj_size=2), "proj_size argument is only supported for LSTM"),
    "proj_size RNN": (layer("RNN", proj_size=2), "proj_size argument is only supported for LSTM"),
    **{f"{kind} 1D": (call(kind, (3,)), f"{kind}: Expected input to be 2D or 3D, got 1D")
       for kind in KINDS},
    **{f"{kind} 4D": (call(kind, (2, 2, 2, 3)), f"{kind}: Expected input to be 2D or 3D, got 4D")
       for kind in KINDS},
    "last dim": (call("RNN", (2, 4, 7)), "input.size(-1) must be equal to input_size. Expected 3"),
    "dtype": (lambda t: t.nn.GRU(3, 5)(t.zeros(2, 4, 3).double()),
              "RNN input dtype (torch.float64) does not match weight dtype (torch.float32)"),
    "hx 2D": (call("RNN", (2, 4, 3), (1, 5)),
              "For batched 3-D input, hx should also be 3-D but got 2-D tensor"),
    "hx 3D": (call("GRU", (2, 3), (1, 1, 5)),
              "For unbatched 2-D input, hx should also be 2-D but got 3-D tensor"),
    "hx, cx": (call("LSTM", (2, 4, 3), [(1, 5), (1, 5)]),
               "hx and cx should also be 3-D but got (2-D, 2-D) tensors"),
    "hx size": (call("RNN", (2, 2, 3), (1, 3, 5)), "Expected hidden size (1, 2, 5), got [1, 3, 5]"),
    "h_0 size": (call("LSTM", (2, 2, 3), [(1, 3, 5), (1, 2, 5)]),
                 "Expected hidden[0] size (1, 2, 5), got [1, 3, 5]"),
    "c_0 size": (call("LSTM", (2, 2, 3), [(1, 2, 5), (1, 2, 4)]),
                 "Expected hidden[1] size (1, 2, 5), got [1, 2, 4]"),
    "no steps": (call("RNN", (0, 2, 3)), "Expected sequence length to be larger than 0 in RNN"),
    # cells
    "cell 3D": (call("RNNCell", (1, 2, 3)), "RNNCell: Expected input to be 1D or 2D, got 3D"),
    "cell last dim": (call("GRUCell", (2, 7)), "inconsistent input_size: got 7 expected 3"),
    "cell batch": (call("LSTMCell", (4, 3), [(2, 5), (2, 5)]),
                   "Input batch size 4 doesn't match hidden0 batch size 2"),
    "cell hidden": (call("RNNCell", (4, 3), (4, 6)),
                    "hidden0 has inconsistent hidden_size: got 6, expected 5"),
    "cell nonlinearity": (call("RNNCell", (4, 3), nonlinearity="sigm"),
                          "Unknown nonlinearity: sigm"),
}  # fmt: skip


def packed(lengths, shape=(4, 2, 3), **options):
    return lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(shape), lengths, **options)


def too_short(t):
    sequence = t.nn.utils.rnn.pack_padded_sequence(t.zeros(4, 2, 3), [4, 2])
    t.nn.utils.rnn.pad_packed_sequence(sequence, total_length=3)


PACKED = {
    "unsorted": (packed([2, 4]), "`lengths` array must be sorted in decreasing order when "
                 "`enforce_sorted` is True"),
    "length 0": (packed([4, 0]), "Length of all samples has to be greater than 0"),
    "total_length": (too_short, "Expected total_length to be at least the length of the longest "),
}  # fmt: skip

# ----- gradients -----


def leaf(t, *shape):
    return t.ones(*(shape or (3,)), requires_grad=True)


def twice(t):
    y = (leaf(t) ** 2).sum()
    y.backward()
    y.backward()


def changed(t):
    x = leaf(t) * 1
    y = x**2
    x.add_(1)
    y.sum().backward()


def weights_changed(t):
    """A step of the optimizer between a forward and its backward."""
    cell = t.nn.RNNCell(2, 2)
    h = cell(t.ones(1, 2), cell(t.ones(1, 2)))
    h.sum().backward(retain_graph=True)
    t.optim.SGD(cell.parameters(), 0.1).step()
    h.sum().backward()


def leaf_in_place(t):
    x = leaf(t)
    x.add_(1)


def unused(t):
    x, y = leaf(t), leaf(t)
    t.autograd.grad((x * 2).sum(), [x, y])


GRADIENTS = {
    "twice": (twice, "Trying to backward through the graph a second time"),
    "not a scalar": (lambda t: (leaf(t) * 2).backward(),
                     "grad can be implicitly created only for scalar outputs"),
    "no gradient": (lambda t: t.ones(()).backward(),
                    "element 0 of tensors does not require grad and does not have a grad_fn"),
    "changed": (changed, "one of the variables needed for gradient computation has been modified "
                "by an inplace operation"),
    "version": (changed, "is at version 1; expected version 0"),
    "weights changed": (weights_changed, "has been modified by an inplace operation"),
    "leaf in place": (leaf_in_place,
                      "a leaf Variable that requires grad is being used in an in-place operation."),
    "numpy": (lambda t: leaf(t).numpy(), "Can't call numpy() on Tensor that requires grad. Use "
              "tensor.detach().numpy() instead."),
    "integers": (lambda t: t.tensor([1], requires_grad=True),
                 "ensors of floating point and complex dtype can require gradients"),
    "unused": (unused, "appears to not have been used in the graph. Set allow_unused=True"),
}  # fmt: skip

# ----- modules and their states -----


def load(state, **options):
    def program(t):
        given = {k: t.zeros(v) for k, v in state.items()}
        return t.nn.Linear(2, 3).load_state_dict(given, **options)

    return program


def before_init(t):
    class Net(t.nn.Module):
        def __init__(self):
            self.child = t.nn.Linear(1, 1)

    Net()


MODULES = {
    "header": (load({}), "Error(s) in loading state_dict for Linear:"),
    "missing": (load({"weight": (3, 2)}), 'Missing key(s) in state_dict: "bias"'),
    "unexpected": (load({"weight": (3, 2), "bias": (3,), "x": ()}),
                   'Unexpected key(s) in state_dict: "x"'),
    "size mismatch": (load({"weight": (2, 3), "bias": (3,)}),
                      "size mismatch for weight: copying a param with shape"),
    "size mismatch, not strict": (load({"weight": (2, 3)}, strict=False), "size mismatch for w"),
    "before init": (before_init, "cannot assign module before Module.__init__() call"),
    "embedding index": (lambda t: t.nn.Embedding(3, 2)(t.tensor([3])), "index out of range in"),
    "embedding floats": (lambda t: t.nn.Embedding(3, 2)(t.tensor([1.0])),
                         "Expected tensor for argument #1 'indices' to have one of the following"),
    "dropout": (lambda t: t.nn.Dropout(1.5),
                "dropout probability has to be between 0 and 1, but got 1.5"),
}  # fmt: skip

# ----- operations, losses, optimizers, clipping -----

SCORES = (4, 5)


def loss(target, shape=SCORES, **options):
    return lambda t: t.nn.functional.cross_entropy(t.zeros(shape), target(t), **options)


def sgd(*args, **options):
    return lambda t: t.optim.SGD([leaf(t)], *args, **options)


OTHERS = {
    "matmul": (lambda t: t.ones(2, 3) @ t.ones(2, 3),
               "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
    "broadcast": (lambda t: t.ones(2) + t.ones(3), "The size of tensor a (2) must match the size "
                  "of tensor b (3) at non-singleton dimension 0"),
    "index": (lambda t: t.ones(3)[3], "index 3 is out of bounds for dimension 0 with size 3"),
    "dim": (lambda t: t.ones(3).sum(1), "Dimension out of range (expected to be in range of [-1, "
            "0], but got 1)"),
    "cat": (lambda t: t.cat([t.ones(2, 2), t.ones(2, 3)]),
            "Sizes of tensors must match except in dimension 0. Expected size 2 but got size 3"),
    "reshape": (lambda t: t.ones(6).reshape(4, 2), "shape '[4, 2]' is invalid for input of size 6"),
    "target dtype": (loss(lambda t: t.zeros(4).int()), "but got"),
    "target float": (loss(lambda t: t.zeros(4)), "but got"),
    "target range": (loss(lambda t: t.tensor([0, 1, 5, 2])), "Target 5 is out of bounds"),
    "target batch": (loss(lambda t: t.zeros(3).long()),
                     "Expected input batch_size (4) to match target batch_size (3)."),
    "reduction": (loss(lambda t: t.zeros(4).long(), reduction="x"), "is not a valid value for red"),
    "label_smoothing": (loss(lambda t: t.zeros(4).long(), label_smoothing=1.5),
                        "label_smoothing must be between 0.0 and 1.0. Got: 1.5"),
    "no parameters": (lambda t: t.optim.SGD([]), "optimizer got an empty parameter list"),
    "a bare tensor": (lambda t: t.optim.SGD(leaf(t)), "params argument given to the optimizer "
                      "should be an iterable of Tensors or dicts"),
    "not a leaf": (lambda t: t.optim.SGD([leaf(t) * 2]), "can't optimize a non-leaf Tensor"),
    "lr": (sgd(lr=-1.0), "Invalid learning rate: -1.0"),
    "momentum": (sgd(momentum=-1.0), "Invalid momentum value: -1.0"),
    "weight_decay": (sgd(weight_decay=-1.0), "Invalid weight_decay value: -1.0"),
    "nesterov": (sgd(nesterov=True), "Nesterov momentum requires a momentum and zero dampening"),
    "betas": (lambda t: t.optim.Adam([leaf(t)], betas=(1.0, 0.9)),
              "Invalid beta parameter at index 0: 1.0"),
    "eps": (lambda t: t.optim.Adam([leaf(t)], eps=-1.0), "Invalid epsilon value: -1.0"),
    "two groups": (lambda t: (lambda x: t.optim.SGD([{"params": [x]}, {"params": [x]}]))(leaf(t)),
                   "some parameters appear in more than one parameter group"),
}  # fmt: skip

ROWS = LAYERS | PACKED | GRADIENTS | MODULES | OTHERS


@pytest.mark.parametrize("name", ROWS)
def test_as_pytorch(name):
    refused(*ROWS[name])


def clip_infinite(t):
    x = leaf(t)
    x.grad = t.full((3,), math.inf)
    t.nn.utils.clip_grad_norm_([x], 1.0, error_if_nonfinite=True)


def test_gradients_that_are_not_finite():
    refused(clip_infinite, "is non-finite, so it cannot be clipped")


# ----- warnings -----

WARNINGS = {
    "dropout": (lambda t: t.nn.LSTM(3, 5, dropout=0.5),
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                "dropout expects num_layers greater than 1, but got dropout=0.5 and num_layers=1"),
    "duplicates": (lambda t: (lambda x: t.optim.SGD([x, x]))(leaf(t)),
                   "optimizer contains a parameter group with duplicate parameters"),
    "clip": (lambda t: t.nn.utils.clip_grad_norm_((p for p in []), 1.0),
             "`parameters` is an empty generator"),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings(name):
    program, text = WARNINGS[name]
    for t in (tg, pytorch()):
        with pytest.warns(UserWarning) as caught:
            program(t)
        assert text in str(caught[0].message)


def test_load_state_dict_that_is_not_strict_says_what_is_missing():
    for t in (tg, pytorch()):
        missing, unexpected = load({"weight": (3, 2), "x": ()}, strict=False)(t)
        assert (missing, unexpected) == (["bias"], ["x"])


# ----- better than PyTorch -----


def better(kind, program, *texts):
    with pytest.raises(kind) as caught:
        program(tg)
    for text in texts:
        assert text in str(caught.value)


@pytest.mark.parametrize("kind", ["LSTM", "LSTMCell"])
def test_the_state_of_an_lstm_is_a_tuple(kind):
    """PyTorch: an IndexError about dimensions, a TypeError about unpacking."""
    shape, state = ((2, 2, 3), (1, 2, 5)) if kind == "LSTM" else ((2, 3), (2, 5))
    better(TypeError, call(kind, shape, state), "tuple of two tensors (h_0, c_0)")


@pytest.mark.parametrize(
    ("lengths", "text"),
    [
        ([5, 2], "5 is longer than the input's 4 steps"),
        ([4], "expected one per sequence (2), got 1"),
    ],
)
def test_lengths_that_do_not_fit(lengths, text):
    """PyTorch packs them into something inconsistent."""
    better(ValueError, packed(lengths), text)


@pytest.mark.parametrize("kind", KINDS)
def test_integers_for_a_recurrent_layer(kind):
    """PyTorch advises to convert the model to integers."""
    program = lambda t: getattr(t.nn, kind)(3, 5)(t.zeros(2, 4, 3).long())  # noqa: E731
    better(ValueError, program, "one-hot or embedded floats")
    with pytest.raises(ValueError) as caught:
        program(tg)
    assert "model.to(torch.int64)" not in str(caught.value)


def test_an_infinite_limit_leaves_infinite_gradients_alone():
    x = leaf(tg, 2)
    x.grad = tg.tensor([math.inf, 1.0])
    total = nn.utils.clip_grad_norm_([x], math.inf)
    assert total.item() == math.inf and x.grad.tolist() == [math.inf, 1.0]
    assert nn.utils.get_total_norm([tg.tensor([3.0]), tg.tensor([4.0])]).item() == 5


def test_cross_entropy_names_the_layout():
    program = loss(lambda t: t.zeros(2, 3).long(), (2, 3, 7))
    refused(program, "")
    better(RuntimeError, program, "(N, T, C)", "input.transpose(1, 2)")


@pytest.mark.cpu("a GPU's host does not wait to know it")
def test_cross_entropy_of_nothing_warns():
    with pytest.warns(UserWarning, match="every target is ignore_index"):
        result = loss(lambda t: t.full((4,), -100))(tg)
    assert math.isnan(result.item())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss(lambda t: t.full((4,), -100), reduction="sum")(tg).item() == 0
