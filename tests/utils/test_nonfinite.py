"""The first nan or infinity of a forward pass, put where it is to be found."""

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.utils import Nonfinite, find_nonfinite

pytestmark = pytest.mark.usefixtures("default_device")

INF, NAN = float("inf"), float("nan")


class Model(nn.Module):
    """Numbers (steps, batch, 3), a recurrent layer, scores (steps, batch, 2)."""

    def __init__(self, layer, outputs, **options):
        super().__init__()
        self.rnn = layer(3, 4, **options)
        self.head = nn.Linear(outputs, 2)

    def forward(self, x, state=None):
        output, state = self.rnn(x, state)
        return self.head(output), state


def leaky(input_size, size):
    """A cell of a user's own, whose state doubles."""

    class Leaky(nn.Cell):
        def __init__(self):
            super().__init__()
            self.state_size = size
            self.update = nn.Linear(input_size, size)

        def step(self, x, h):
            h = 2 * h + self.update(x)
            return torch.tanh(h), h

    return Leaky()


def own(*sizes, **options):
    return nn.Recurrent(leaky, *sizes, **options)


LAYERS = pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM, own])


@LAYERS
def test_all_is_well(layer):
    model = Model(layer, 4)
    assert find_nonfinite(model, torch.randn(5, 2, 3)) is None
    assert not model._module_hooks and not model.rnn._module_hooks  # no hook is left


def overflowing(layer, place, **options):
    """A model that makes an infinity of the input 3e38 at one place, and stays near 0 else."""
    if layer is not own:
        options["activation"] = torch.exp
    model = Model(layer, 8, num_layers=2, bidirectional=True, **options)
    with torch.no_grad():
        for name, weight in model.rnn.named_parameters():
            weight.fill_(1.0 if name == place else 0.0)
    return model


@pytest.mark.parametrize("step", [0, 3, 4])
@pytest.mark.parametrize(
    "layer, place, number",
    [
        (nn.RNN, "weight_ih_l0", 0),
        (nn.GRU, "weight_ih_l0_reverse", 1),
        (nn.LSTM, "weight_ih_l0", 0),
        (own, "cells.1.update.weight", 1),
    ],
)
def test_a_state_overflows(layer, place, number, step):
    x = torch.zeros(5, 2, 3)
    x[step, 1] = 3e38
    assert find_nonfinite(overflowing(layer, place), x) == ("state", "rnn", number, step)


def test_a_reverse_direction_comes_to_the_later_step_first():
    x = torch.zeros(5, 2, 3)
    x[1], x[3] = 3e38, 3e38
    assert find_nonfinite(overflowing(nn.GRU, "weight_ih_l0_reverse"), x).step == 3
    assert find_nonfinite(overflowing(nn.GRU, "weight_ih_l0"), x).step == 1


@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_parameters_and_input_come_first(value):
    model = Model(nn.LSTM, 4)
    x = torch.zeros(5, 2, 3)
    x[2, 0, 1] = value
    assert find_nonfinite(model, x) == Nonfinite("input")
    state = (torch.zeros(1, 2, 4), torch.full((1, 2, 4), value))
    assert find_nonfinite(model, torch.zeros(5, 2, 3), state=state) == Nonfinite("input")
    with torch.no_grad():
        model.head.bias[1] = value
    assert find_nonfinite(model, x) == Nonfinite("parameter", "head.bias")


@pytest.mark.parametrize(
    "time_dim, step", [(0, 4), (1, 1), (-3, 4), (-1, 0), (3, None), (None, None)]
)
def test_the_step_of_an_output(time_dim, step):
    model = Model(nn.RNN, 4)
    with torch.no_grad():
        model.head.weight.fill_(3e38)
        model.rnn.weight_ih_l0.zero_()
        model.rnn.weight_ih_l0[:, 0] = 1
        model.rnn.weight_hh_l0.zero_()
        model.rnn.bias_ih_l0.zero_()
        model.rnn.bias_hh_l0.zero_()
    x = torch.zeros(5, 2, 3)
    x[4, 1, 0] = 5.0
    assert find_nonfinite(model, x, time_dim=time_dim) == ("output", "head", None, step)


def test_in_words():
    assert str(Nonfinite("input")) == "the input of the model"
    assert str(Nonfinite("parameter", "head.bias")) == "the parameter head.bias"
    assert str(Nonfinite("state", "rnn", 0, 7)) == "the state of rnn, layer 0, time step 7"
    assert str(Nonfinite("output", "", None, 3)) == "the output of the model, time step 3"


def test_errors_of_the_model_are_its_own():
    model = Model(nn.RNN, 4)
    with pytest.raises(RuntimeError, match="must be equal to input_size"):
        find_nonfinite(model, torch.zeros(5, 2, 7))
    assert not model.rnn._module_hooks
