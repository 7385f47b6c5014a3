"""Modules as functions of their parameters, in this library and in PyTorch."""

from __future__ import annotations

import pytest

from ..both import t as t


def test_a_call_with_other_parameters(t):
    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 1))
    x, old = t.ones(4, 2), net(t.ones(4, 2))
    new = {name: 2 * p.detach() for name, p in net.named_parameters()}
    found = t.func.functional_call(net, new, (x,))
    assert not t.allclose(found, old)
    assert t.equal(net(x), old)
    net.load_state_dict(new)
    assert t.equal(net(x), found)
    part = {name: new[name] for name in list(new)[:1]}
    assert t.equal(t.func.functional_call(net, part, x), found)
    rest = {name: new[name] for name in list(new)[1:]}
    assert t.equal(t.func.functional_call(net, (part, rest), x), found)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "GRUCell"])
def test_gradients_of_recurrent_layers(t, kind):
    """They are those of backward."""
    layer, x = getattr(t.nn, kind)(2, 3), t.randn(5, 2)
    params = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(params):
        y = t.func.functional_call(layer, params, (x,))
        return (y[0] if isinstance(y, tuple) else y).pow(2).sum()

    found = t.func.grad(loss)(params)
    loss(dict(layer.named_parameters())).backward()
    for name, p in layer.named_parameters():
        assert t.allclose(found[name], p.grad, atol=1e-6), name


def test_buffers_are_given_back(t):
    norm = t.nn.BatchNorm1d(2)
    state = {name: b.clone() for name, b in norm.named_buffers()}
    t.func.functional_call(norm, state, (t.randn(8, 2) + 3,))
    assert norm.running_mean.tolist() == [0, 0]
    assert float(state["running_mean"].min()) > 0
    assert state["num_batches_tracked"].item() == 1


class Twice:
    """Makes a module of two layers with one weight."""

    def __new__(cls, t):
        net = t.nn.Sequential(t.nn.Linear(2, 2, bias=False), t.nn.Linear(2, 2, bias=False))
        net[1].weight = net[0].weight
        return net


def test_tied_weights(t):
    net, x = Twice(t), t.ones(1, 2)
    zero = t.zeros(2, 2)
    call = t.func.functional_call
    new = {"0.weight": t.eye(2) * 3}
    assert call(net, new, x).tolist() == [[9.0, 9.0]]
    one = call(net, new, x, tie_weights=False)
    assert t.allclose(one, net[1](x * 3))
    with pytest.raises(ValueError, match="tied"):
        call(net, {"0.weight": zero, "1.weight": zero + 1}, x)


def test_misuse_of_calls(t):
    net, x = t.nn.Linear(2, 2), t.ones(2)
    with pytest.raises(ValueError, match="multiple dictionaries"):
        t.func.functional_call(net, ({"weight": x}, {"weight": x}), x)
    with pytest.raises(ValueError, match="dict"):
        t.func.functional_call(net, [x], x)
    with pytest.raises(RuntimeError, match="Missing key"):
        t.func.functional_call(net, {"weight": net.weight}, x, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        t.func.functional_call(
            net, {"weight": net.weight, "bias": net.bias, "other": x}, x, strict=True
        )


def test_an_ensemble(t):
    nets = [t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3)) for _ in range(4)]
    for net in nets:
        net.eval()
    params, buffers = t.func.stack_module_state(nets)
    assert params["0.weight"].shape == (4, 3, 2)
    assert buffers["1.running_mean"].shape == (4, 3)
    assert params["0.weight"].requires_grad
    assert params["0.weight"].is_leaf
    x = t.randn(5, 2)

    def call(params, buffers, x):
        return t.func.functional_call(nets[0], (params, buffers), (x,))

    found = t.func.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    assert t.allclose(found, t.stack([net(x) for net in nets]), atol=1e-6)


def test_misuse_of_ensembles(t):
    one, other = t.nn.Linear(2, 2), t.nn.Linear(2, 2)
    other.eval()
    for nets, message in (
        ([], "at least one"),
        ([one, other], "training"),
        ([one, t.nn.Bilinear(1, 1, 1)], "same class"),
    ):
        with pytest.raises(RuntimeError, match=message):
            t.func.stack_module_state(nets)


def test_batch_norm_without_statistics(t):
    net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2))
    assert t.func.replace_all_batch_norm_modules_(net) is net
    assert net[1].running_var is None
    assert not net[1].track_running_stats
