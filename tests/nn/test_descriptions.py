"""Stock cells that describe their steps: none is watched once its plan is known, and no two that
differ are taken for one."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.nn import planning

pytestmark = pytest.mark.usefixtures("default_device")


def _tied() -> nn.LSTM:
    layer = nn.LSTM(3, 4, layer_norm=True)
    layer.gain_hh_l0 = layer.gain_ih_l0
    return layer


def _still() -> nn.LSTM:
    layer = nn.LSTM(3, 4, layer_norm=True)
    layer.weight_hh_l0.requires_grad_(False)
    return layer


# Weights of the same shapes, as far as there can be
LAYERS = {
    "tanh": lambda: nn.RNN(3, 4, zoneout=0.2),
    "relu": lambda: nn.RNN(3, 4, nonlinearity="relu", zoneout=0.2),
    "another share": lambda: nn.RNN(3, 4, zoneout=0.3),
    "activation": lambda: nn.RNN(3, 4, zoneout=0.2, activation=torch.sin),
    "normalized": lambda: nn.LSTM(3, 4, layer_norm=True),
    "tied": _tied,
    "still": _still,
    "zoneout of h": lambda: nn.LSTM(3, 4, layer_norm=True, zoneout=(0.0, 0.5)),
    "zoneout of c": lambda: nn.LSTM(3, 4, layer_norm=True, zoneout=(0.5, 0.0)),
    "dropout": lambda: nn.LSTM(3, 4, layer_norm=True, recurrent_dropout=0.5),
    "dropped weights": lambda: nn.LSTM(3, 4, layer_norm=True, weight_drop=0.5),
    "projected": lambda: nn.LSTM(3, 4, layer_norm=True, proj_size=2),
    "reset before": lambda: nn.GRU(3, 4, reset_after=False),
    "reset after": lambda: nn.GRU(3, 4, zoneout=0.5),
    "float64": lambda: nn.GRU(3, 4, zoneout=0.5, dtype=torch.float64),
}


def _results(layer: Any, training: bool) -> list[Any]:
    """Outputs and all gradients, from the same random numbers."""
    torch.manual_seed(1)
    layer.train(training)
    weights = [p for p in layer.parameters() if p.requires_grad]
    x = torch.randn(5, 2, 3, dtype=weights[0].dtype, requires_grad=True)
    y = layer(x, lengths=[5, 3])[0]
    with torch.no_grad():
        apart = layer(x)[0]
    return [y, apart, *torch.autograd.grad(y.sin().sum(), [x, *weights])]


@pytest.mark.parametrize("training", [False, True])
def test_what_differs_has_another_description(training):
    layers, alone = {name: make() for name, make in LAYERS.items()}, {}
    for name, layer in layers.items():
        planning._plans.clear()
        planning._described.clear()
        alone[name] = _results(layer, training)
    for order in (list, reversed):
        planning._plans.clear()
        planning._described.clear()
        for name, layer in order([*layers.items(), *layers.items()]):
            for ours, expected in zip(_results(layer, training), alone[name], strict=True):
                assert torch.equal(ours, expected), name


def test_no_step_is_watched_again(monkeypatch):
    layer = nn.LSTM(3, 4, layer_norm=True, weight_drop=0.5)
    _results(layer, True)
    monkeypatch.delattr("tinygrad_rnn.nn.planning.Watch.step")
    _results(layer, True)
    _results(nn.LSTM(3, 4, layer_norm=True, weight_drop=0.5), True)
    with pytest.raises(AttributeError):
        _results(nn.LSTM(3, 5, layer_norm=True, weight_drop=0.5), True)


def test_a_state_in_a_list_comes_back_as_the_step_returns_it():
    cell, x = nn.LSTMCell(3, 4, layer_norm=True), torch.randn(5, 2, 3)
    for begin in (None, [torch.zeros(2, 4), torch.zeros(2, 4)]):
        _, state = nn.scan(cell, x, begin)
        assert type(state) is tuple


def test_anomaly_mode_finds_the_operation():
    layer = nn.LSTM(3, 4, layer_norm=True)
    _results(layer, True)
    x = torch.full((5, 2, 3), torch.nan, requires_grad=True)
    with pytest.warns(UserWarning, match="Error detected in (?!Scan)"):  # noqa: SIM117
        with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="nan values"):
            layer(x)[0].sum().backward()


class Halved(nn.GRUCell):
    def step(self, x: Any, state: Any) -> Any:
        y, new = super().step(x, state)
        return y, new * 0.5


class Deaf(nn.GRUCell):
    def project(self, x: Any) -> Any:
        return super().project(x * 0)


@pytest.mark.parametrize("options", [{}, {"layer_norm": True}])
@pytest.mark.parametrize("kind", [Halved, Deaf])
def test_steps_that_somebody_replaced_are_taken(kind, options):
    cell, x = kind(3, 4, **options), torch.randn(5, 2, 3)
    for run in (nn.scan, nn.Recurrent(lambda _: cell, 3)):
        found = run(cell, x) if run is nn.scan else run(x)
        state, outputs = torch.zeros(2, 4), []
        for x_t in x:
            y, state = cell.step(cell.project(x_t), state)
            outputs.append(y)
        torch.testing.assert_close(found[0], torch.stack(outputs))
