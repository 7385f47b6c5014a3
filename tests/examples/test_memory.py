"""The two tests of memory: their data, the forecast, and who solves the adding problem."""

import math
from argparse import Namespace

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, testing

from .programs import load

pytestmark = pytest.mark.cpu("programs that run by themselves")


@pytest.mark.parametrize("length", [2, 7, 20])
def test_the_adding_problem(length):
    x, sums = load("memory").adding(length, 50)
    assert x.shape == (length, 50, 2) and sums.shape == (50,)
    assert float(x[:, :, 0].min()) >= 0 and float(x[:, :, 0].max()) < 1
    for sequence, total in zip(x.transpose(0, 1).tolist(), sums.tolist(), strict=True):
        places = [t for t, (_, mark) in enumerate(sequence) if mark]
        assert len(places) == 2 and places[0] < length // 2 <= places[1]
        assert total == pytest.approx(sum(sequence[t][0] for t in places))


def test_waves():
    """A sine has v(t - 1) + v(t + 1) = 2 cos(step) v(t), and noise the given deviation."""
    program = load("memory")
    v = program.waves(100, 40, noise=0.0)
    assert v.shape == (100, 40, 1) and float(v.abs().max()) <= 1
    factor = 2 * math.cos(2 * math.pi / program.PERIOD)
    testing.assert_close(v[:-2] + v[2:], factor * v[1:-1], rtol=0, atol=1e-4)
    noise = program.waves(2000, 40, noise=0.1).reshape(-1).square().mean() - 0.5
    assert float(noise) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_a_forecast_is_fed_with_itself(name):
    program = load("memory")
    model = program.Reader(program.LAYERS[name], 1, 6)
    begin = program.waves(10, 3, 0.1)
    predicted = program.forecast(model, begin, 5)
    assert predicted.shape == (5, 3, 1) and not predicted.requires_grad
    known = begin
    for value in predicted:
        testing.assert_close(model(known)[0][-1], value)
        known = torch.cat([known, value.unsqueeze(0)])


def test_a_gru_solves_the_adding_problem():
    """Far below 1/6, the error of an answer that remembers nothing."""
    args = Namespace(seed=0, length=10, steps=240, batch_size=64, hidden_size=32, lr=0.01)
    assert load("memory").learn_adding("GRU", args)[-1] < 0.03


def test_the_layers_that_are_compared():
    assert load("memory").LAYERS == {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
