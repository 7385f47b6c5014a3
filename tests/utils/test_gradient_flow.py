"""Gradient norms by time step, against PyTorch's gradients in an explicit loop."""

import errno
import os
import sys

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.utils.gradient_flow import GradientFlow, plot_gradient_flow

torch = pytest.importorskip("torch", reason="the oracle is PyTorch")

F64 = {"dtype": tg.float64}


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_norms(mode, device):
    layer = getattr(nn, mode)(3, 4, **F64).to(device)
    theirs = getattr(torch.nn, mode + "Cell")(3, 4, dtype=torch.float64)
    state = {n[:-3]: torch.tensor(w.cpu().numpy()) for n, w in layer.state_dict().items()}
    theirs.load_state_dict(state)
    values = np.random.default_rng(0).standard_normal((6, 2, 3))
    with GradientFlow(layer) as flow:
        output, _ = layer(tg.tensor(values, device=device))
        (output[-2] ** 2).sum().backward()
    states, now = [], None
    for x in torch.tensor(values):
        now = theirs(x, now)
        for part in now if mode == "LSTM" else (now,):
            part.retain_grad()
        states.append(now if mode == "LSTM" else (now,))
    (states[-2][0] ** 2).sum().backward()
    expected = [
        torch.cat([p.grad.flatten() for p in parts if p.grad is not None]).norm().item()
        for parts in states[:-1]
    ]
    assert flow.norms.shape == (1, 6) and flow.norms.device.type == device
    np.testing.assert_allclose(flow.norms[0].tolist(), [*expected, 0.0], rtol=1e-10)


def test_a_layer_in_a_model_and_ragged_sequences():
    """Rows are layers and directions; a finished sequence has no gradient; the last call counts."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
            self.head = nn.Linear(8, 1)

        def forward(self, x, lengths):
            return self.head(self.rnn(x, lengths=lengths)[0]).sum()

    model, x = Model(), tg.randn(5, 2, 3)
    with GradientFlow(model.rnn) as flow:
        model(tg.randn(9, 2, 3), None).backward()
        model(x, [3, 2]).backward()
    norms = flow.norms
    assert norms.shape == (4, 5) and bool((norms[:, :3] > 0).all())
    assert bool((norms[:, 3:] == 0).all())
    model(tg.randn(2, 2, 3), None).backward()  # it watches no more
    assert tg.equal(flow.norms, norms)


def test_recurrent_without_gradients_and_before_the_call():
    layer = nn.Recurrent(nn.GRUCell, 3, 4)
    flow = GradientFlow(layer)
    with pytest.raises(RuntimeError, match="the layer was not called"):
        _ = flow.norms
    with flow, tg.no_grad():
        layer(tg.randn(5, 2, 3))
    assert flow.norms.tolist() == [[0.0] * 5]
    with pytest.raises(TypeError, match="got GRUCell"):
        GradientFlow(nn.GRUCell(3, 4))


def full_disk(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_vanishing_gradient(tmp_path, monkeypatch):
    """A plain RNN's gradient is gone after 140 steps, smaller than squares in float32 could hold;
    that of an LSTM with open forget gates is not."""
    pytest.importorskip("matplotlib")
    norms = {}
    for name, layer in (("RNN", nn.RNN(2, 8)), ("LSTM", nn.LSTM(2, 8, forget_bias=6.0))):
        with GradientFlow(layer) as flow:
            layer(tg.randn(140, 4, 2))[0][-1].sum().backward()
        norms[name] = flow.norms
    fallen = {name: (values[0, 0] / values[0, -1]).item() for name, values in norms.items()}
    assert 0 < fallen["RNN"] < 1e-25 and fallen["LSTM"] > 1e-4
    figure = plot_gradient_flow(norms, tmp_path / "flow.png")
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["RNN", "LSTM"]
    assert axes.get_yscale() == "log" and len(axes.lines[0].get_ydata()) == 140
    assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(os, "fsync", full_disk)
    for name, error in (("flow.png", OSError), ("flow.nothing", ValueError)):
        with pytest.raises(error):
            plot_gradient_flow(norms, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["flow.png"]
    assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
    rows = plot_gradient_flow({"a": tg.ones(2, 3), "b": tg.ones(3)})
    assert [line.get_label() for line in rows.axes[0].lines] == ["a 0", "a 1", "b"]
    with pytest.raises(
        ValueError, match=r"expected \(rows, steps\) or \(steps\) for 'a', got \[\]"
    ):
        plot_gradient_flow({"a": tg.tensor(1.0)})


def test_no_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match="needs Matplotlib: pip install"):
        plot_gradient_flow({})
