"""Linear, Embedding, dropout and shape layers: initial values, outputs, texts, errors."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.testing import assert_close

from .side_by_side import numbers, pytorch, refused

# ----- the same numbers for the same seed -----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("args", [(3, 2), (1, 1), (7, 5, False), (100, 40)])
def test_linear_starts_with_pytorch_s_numbers(args, dtype):
    for seed in (0, 12345):
        tg.manual_seed(seed)
        ours = nn.Linear(*args, dtype=getattr(tg, dtype))
        pytorch().manual_seed(seed)
        theirs = pytorch().nn.Linear(*args, dtype=getattr(pytorch(), dtype))
        assert (ours.weight.numpy(force=True) == theirs.weight.detach().numpy()).all()
        if ours.bias is None:
            assert theirs.bias is None
        else:
            assert (ours.bias.numpy(force=True) == theirs.bias.detach().numpy()).all()


def test_linear_starts_within_its_bounds():
    layer = nn.Linear(25, 400)
    for weight in layer.parameters():
        assert weight.abs().max() <= 0.2 and weight.abs().max() > 0.19
        assert abs(weight.mean().item()) < 0.02


@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_embedding_starts_with_pytorch_s_numbers(padding_idx):
    tg.manual_seed(7)
    ours = nn.Embedding(11, 5, padding_idx=padding_idx)
    pytorch().manual_seed(7)
    theirs = pytorch().nn.Embedding(11, 5, padding_idx=padding_idx)
    assert ours.padding_idx == theirs.padding_idx
    # normal numbers: equal up to the last bits of a logarithm, a sine and a cosine
    np.testing.assert_allclose(
        ours.weight.numpy(force=True), theirs.weight.detach().numpy(), rtol=1e-6
    )


# ----- Linear -----


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 5, 3), (0, 3)])
def test_linear_by_definition(shape, device):
    layer = nn.Linear(3, 2, device=device, dtype=tg.float64)
    x = tg.tensor(numbers(*shape), device=device, requires_grad=True)
    y = layer(x)
    expected = x @ layer.weight.T + layer.bias
    assert_close(y, expected)
    y.sum().backward()
    assert_close(layer.bias.grad, tg.full((2,), y.numel() / 2, dtype=tg.float64, device=device))
    assert x.grad.shape == x.shape


def test_linear_without_bias():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None and list(layer.state_dict()) == ["weight"]
    assert [name for name, _ in nn.Linear(3, 2).named_parameters()] == ["weight", "bias"]
    assert_close(layer(tg.ones(3)), layer.weight.sum(1))


def test_linear_of_nothing():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        layer = nn.Linear(0, 2)
    assert layer(tg.ones(4, 0)).tolist() == [[0.0, 0.0]] * 4


# ----- Embedding -----


def test_embedding_looks_up_and_learns():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    index = tg.tensor([[0, 4], [2, 0]])
    y = layer(index)
    assert y.shape == (2, 2, 3) and layer.padding_idx == 4
    assert not y[0, 1].any()
    assert tg.equal(y[1, 0], layer.weight[2])
    y.sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [6.0, 0.0, 3.0, 0.0, 0.0]


def test_embedding_from_a_table():
    table = tg.as_tensor(numbers(4, 3))
    frozen = nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad and frozen.weight.data_ptr() == table.data_ptr()
    learning = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=1)
    assert learning.weight.requires_grad and learning.padding_idx == 1
    assert (learning.num_embeddings, learning.embedding_dim) == (4, 3)
    assert tg.equal(learning(tg.tensor(1)), table[1])  # a given table keeps its padding row


def test_embeddings_have_no_sparse_gradients():
    with pytest.raises(NotImplementedError, match="sparse=True is not supported"):
        nn.Embedding(3, 2, sparse=True)


# ----- dropout and shapes -----


def test_dropout_is_for_training():
    for layer, shape in ((nn.Dropout(0.5), (100,)), (nn.Dropout1d(0.5), (10, 10, 2)),
                         (nn.Dropout2d(0.5), (10, 10, 1, 2))):  # fmt: skip
        x = tg.ones(*shape)
        assert set(layer(x).flatten().tolist()) == {0.0, 2.0}
        assert layer.eval()(x) is x
    x = tg.ones(100) * 1
    assert nn.Dropout(0.5, inplace=True)(x) is x and not x.all()


def test_flatten_and_unflatten():
    x = tg.arange(24).reshape(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, -1))(nn.Flatten()(x)).tolist() == x.tolist()
    assert nn.Unflatten(-1, [2, 2])(x).shape == (2, 3, 2, 2)
    assert nn.Identity(1, two=2)(x) is x


# ----- as modules -----

LAYERS = [
    "Linear(3, 2)", "Linear(3, 2, False)", "Embedding(5, 2)", "Embedding(5, 2, padding_idx=-1)",
    "Dropout()", "Dropout(0.1, True)", "Dropout1d(0.2)", "Dropout2d(0.3)", "Flatten()",
    "Flatten(2, 3)", "Unflatten(1, (2, 3))", "Identity(3)",
]  # fmt: skip


@pytest.mark.parametrize("call", LAYERS)
def test_layers_look_as_pytorch_s(call):
    assert repr(eval(f"nn.{call}")) == repr(eval(f"torch.nn.{call}", {"torch": pytorch()}))


@pytest.mark.parametrize("call", LAYERS)
def test_layers_can_be_copied_and_pickled(call):
    layer = eval(f"nn.{call}")
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(twin) == repr(layer)
        for a, b in zip(twin.parameters(), layer.parameters(), strict=True):
            assert tg.equal(a, b) and a is not b


def test_state_dicts_move_to_and_from_pytorch():
    ours, theirs = nn.Linear(3, 2), pytorch().nn.Linear(3, 2)
    ours.load_state_dict(theirs.state_dict())
    assert (ours.weight.numpy(force=True) == theirs.weight.detach().numpy()).all()
    theirs.load_state_dict(
        {k: pytorch().tensor(v.numpy(force=True)) for k, v in nn.Linear(3, 2).state_dict().items()}
    )
    assert not (ours.weight.numpy(force=True) == theirs.weight.detach().numpy()).all()


# ----- errors -----

REFUSED = {
    "linear": (lambda lib: lib.nn.Linear(3, 2)(lib.ones(4, 5)),
               "mat1 and mat2 shapes cannot be multiplied (4x5 and 3x2)"),
    "linear-dtype": (lambda lib: lib.nn.Linear(3, 2)(lib.ones(4, 3).double()),
                     "the same dtype, but got"),
    "embedding": (lambda lib: lib.nn.Embedding(5, 2)(lib.tensor([0, 5])),
                  "index out of range in self"),
    "embedding-padding": (lambda lib: lib.nn.Embedding(5, 2, padding_idx=-6),
                          "Padding_idx must be within num_embeddings"),
    "embedding-table": (lambda lib: lib.nn.Embedding.from_pretrained(lib.ones(3)),
                        "Embeddings parameter is expected to be 2-dimensional"),
    "embedding-weight": (lambda lib: lib.nn.Embedding(5, 2, _weight=lib.ones(3, 2)),
                         "Shape of weight does not match num_embeddings and embedding_dim"),
    "dropout": (lambda lib: lib.nn.Dropout(1.5),
                "dropout probability has to be between 0 and 1, but got 1.5"),
    "unflatten": (lambda lib: lib.nn.Unflatten(1, 5),
                  "unflattened_size must be a tuple of ints, but found type int"),
    "unflatten-float": (lambda lib: lib.nn.Unflatten(1, (2.0, 3)),
                        "found element of type float at pos 0"),
    "unflatten-size": (lambda lib: lib.nn.Unflatten(1, (2, 2))(lib.ones(2, 5)),
                       "don't multiply up to the size of dim 1 (5)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])
