"""Per-step states of RNN, GRU, LSTM and Recurrent, and all forms of input, also with options."""

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn import functional as F

F64 = {"dtype": tg.float64}
EVERYTHING = {
    "layer_norm": True, "recurrent_dropout": 0.4, "zoneout": 0.3, "weight_drop": 0.4,
    "activation": F.silu, "num_layers": 2, "bidirectional": True,
}  # fmt: skip


def parts(value):
    """The tensors (and packed sequences) in nested tuples."""
    if isinstance(value, tuple) and not isinstance(value, nn.utils.rnn.PackedSequence):
        return [part for each in value for part in parts(each)]
    return [value]


@pytest.mark.parametrize(
    "mode, options",
    [
        ("RNN", EVERYTHING),
        ("GRU", {**EVERYTHING, "reset_after": False}),
        ("LSTM", {**EVERYTHING, "zoneout": (0.5, 0.05), "proj_size": 2}),
    ],
    ids=["RNN", "GRU", "LSTM"],
)
def test_other_forms_of_the_input(mode, options, device):
    """batch_first, a PackedSequence and a single sequence give what the plain layer gives."""
    layer = getattr(nn, mode)(3, 4, **options, **F64).to(device)
    lengths = [5, 4, 2]
    x = tg.randn(5, 3, 3, **F64).to(device)

    def run(*args, **kwargs):
        tg.manual_seed(1)
        return layer(*args, **kwargs, return_states=True)

    output, state, states = run(x, lengths=lengths)
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths)
    found = run(packed)
    assert tg.equal(nn.utils.rnn.pad_packed_sequence(found[0])[0], output)
    layer.batch_first = True
    turned = run(x.transpose(0, 1), lengths=lengths)
    assert tg.equal(turned[0], output.transpose(0, 1))
    for a, b, c in zip(*map(parts, (state, found[1], turned[1])), strict=True):
        assert tg.equal(a, b) and tg.equal(a, c)
    for a, b, c in zip(*map(parts, (states, found[2], turned[2])), strict=True):
        assert tg.equal(a, c.transpose(1, 2))
        padded, _ = nn.utils.rnn.pad_packed_sequence(b)
        for i, length in enumerate(lengths):
            assert tg.equal(a[:, :length, i], padded[:length, i].transpose(0, 1))
    layer.batch_first = False
    single, batch = run(x[:, 0]), run(x[:, :1])
    assert tg.equal(single[0], batch[0].squeeze(1))
    for a, b in zip(parts(single[1:]), parts(batch[1:]), strict=True):
        assert tg.equal(a, b.squeeze(-2))


@pytest.mark.parametrize("options", [{}, {"layer_norm": True, "activation": F.silu}])
@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_return_states_are_those_of_shorter_runs(mode, options):
    layer = getattr(nn, mode)(3, 4, num_layers=1, bidirectional=True, **options, **F64)
    x = tg.randn(5, 2, 3, **F64)
    output, _, states = layer(x, return_states=True)
    assert [tuple(s.shape) for s in parts(states)] == [(2, 5, 2, 4)] * len(parts(states))
    for t in range(5):
        for s, ahead, back in zip(
            parts(states), parts(layer(x[: t + 1])[1]), parts(layer(x[t:])[1]), strict=True
        ):
            assert tg.allclose(s[0, t], ahead[0], atol=1e-14)
            assert tg.allclose(s[1, t], back[1], atol=1e-14)
    assert tg.equal(tg.cat(list(parts(states)[0]), -1), output)


def test_states_stay_behind_a_sequences_end():
    layer = nn.LSTM(3, 4, bidirectional=True)
    _, final, states = layer(tg.randn(5, 2, 3), lengths=[5, 2], return_states=True)
    for s, last in zip(states, final, strict=True):
        assert bool((s[0, 2:, 1] == last[0, 1]).all()) and bool((s[1, 2:, 1] == 0).all())
        assert tg.equal(s[1, 0], last[1])


def test_return_states_of_recurrent():
    layer = nn.Recurrent(nn.LSTMCell, 3, 4, num_layers=2, batch_first=True, **F64)
    x = tg.randn(2, 5, 3, **F64)
    output, final, states = layer(x, return_states=True)
    assert [tuple(s.shape) for s in states] == [(2, 2, 5, 4)] * 2
    assert tg.equal(states[0][1], output)
    for s, last in zip(states, final, strict=True):
        assert tg.equal(s[:, :, -1], last)


def test_step_hooks():
    """Called behind each step with what it returned, until they are removed."""
    layer = nn.GRU(3, 4, num_layers=2, bidirectional=True)
    seen = []
    handle = layer.register_step_hook(lambda number, t, new: seen.append((number, t, new)))
    x = tg.randn(5, 2, 3)
    output, _, states = layer(x, return_states=True)
    forward, backward = [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]
    order = [(n, t) for n in range(4) for t in (backward if n % 2 else forward)]
    assert [(n, t) for n, t, _ in seen] == order
    assert all(tg.equal(new, states[n, t]) for n, t, new in seen)
    handle.remove()
    tg.testing.assert_close(layer(x)[0], output)
    assert len(seen) == 20
