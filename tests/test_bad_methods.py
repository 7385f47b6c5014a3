"""Methods called with what they cannot take: errors of PyTorch's kinds, which name the argument."""

import random

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text

NAMES = {"torch": torch, "nn": nn, "optim": optim, "text": text, "random": random}
ADAM = "optim.Adam([torch.ones(2, requires_grad=True)])"
BAD = [
    ("torch.ones(2).type_as(2)", TypeError, "'other' .* must be Tensor, not int"),
    ("torch.ones(2).exponential_(torch.ones(1))", TypeError, r"not Tensor of shape \[1\]"),
    ("torch.ones(2).cauchy_(0.0, torch.ones(1))", TypeError, "not Tensor of shape"),
    ("torch.ones(2).uniform_(torch.ones(1), 2.0)", TypeError, "not Tensor of shape"),
    ("torch.ones(2).set_(torch.ones(4), size=[2.0])", TypeError, "float"),
    ("torch.ones(2)[['a']]", TypeError, "list of indices"),
    ("torch.ones(2)[[[[1], [2, 3]]]]", ValueError, "sequences of one length"),
    ("nn.Linear(2, 3).state_dict(prefix=int)", TypeError, "prefix must be a str, got type"),
    ("nn.Embedding.from_pretrained([[1.0]])", TypeError, "must be a Tensor, got list"),
    ("nn.Transformer.generate_square_subsequent_mask(2, dtype=3)", TypeError, "'dtype' .* not int"),
    ("nn.Sequential(nn.ReLU()).insert(0.5, nn.ReLU())", TypeError, "must be an int, got float"),
    ("nn.Sequential(nn.ReLU()).insert(int, nn.ReLU())", TypeError, "must be an int, got type"),
    ("nn.ModuleDict().pop([1])", KeyError, "1"),
    ("nn.LSTM(2, 3)(torch.ones(4, 1, 2), lengths=1.5)", TypeError, "a list, got float"),
    ("nn.LSTM(2, 3)(torch.ones(4, 1, 2), lengths=[None])", ValueError, "whole numbers from 0 to 4"),
    (f"{ADAM}.load_state_dict(torch.ones(3))", TypeError, "must be a dict, got Tensor"),
    (f"{ADAM}.add_param_group({{}})", KeyError, "lacks 'params'"),
    ("text.SequenceLoader(range(40), 2, 5, rng=3)", TypeError, "rng must be a random.Random"),
    ("text.SequenceLoader(range(40), 2, 5).load_state_dict(3)", TypeError, "a dict, got int"),
    ("text.SequenceLoader(range(40), 2, 5).load_state_dict({'batch': 1})", ValueError, "lacks"),
]  # fmt: skip


def test_map_wants_a_function():
    with pytest.raises(TypeError, match="function of map_ was given"):
        torch.ones(2, device="cpu").map_(torch.ones(2, device="cpu"), int)


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[call for call, *_ in BAD])
def test_refused_by_name(call: str, kind: type[Exception], message: str):
    with pytest.raises(kind, match=message):
        eval(call, NAMES)


def test_a_number_may_be_a_tensor_of_no_dimension():
    for name in ("exponential_", "cauchy_", "uniform_"):
        found = []
        for number in (0.5, torch.tensor(0.5)):
            torch.manual_seed(1)
            found.append(getattr(torch.ones(4), name)(number).tolist())
        assert found[0] == found[1]


def test_lengths_of_all_kinds_of_integers():
    layer, x = nn.GRU(2, 3), torch.ones(4, 2, 2)
    expected = layer(x, lengths=[3, 1])[0].tolist()
    for lengths in ((3, 1), torch.tensor([3, 1]), [torch.tensor(3), torch.tensor(1)]):
        assert layer(x, lengths=lengths)[0].tolist() == expected
