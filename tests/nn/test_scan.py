"""The open cell engine: scan, lengths, custom cells, derivatives of second order."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import tinygrad_rnn as torch
from tinygrad_rnn import nn

F64 = {"dtype": torch.float64}


class Leaky(nn.Cell):
    """A cell that nobody else has, in ten lines."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.state_size = hidden_size
        self.update = nn.Linear(input_size + hidden_size, hidden_size, **F64)

    def step(self, x, h):
        h = 0.9 * h + 0.1 * torch.tanh(self.update(torch.cat([x, h], -1)))
        return h, h


class Peephole(nn.Cell):
    """A state of two tensors of different sizes, and an output that is neither."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.state_size = (hidden_size, hidden_size + 1)
        self.ih = nn.Linear(input_size, hidden_size, **F64)
        self.hh = nn.Linear(hidden_size, hidden_size + 1, **F64)
        self.out = nn.Linear(hidden_size + 1, 3, **F64)

    @property
    def output_size(self):
        return 3

    def project(self, x):
        return self.ih(x)

    def step(self, x, state):
        a, b = state
        a = torch.tanh(x + a)
        b = torch.sigmoid(self.hh(a)) * b + 0.1
        return self.out(b), (a, b)


def loop(cell, x, state):
    """The definition: one step after the other on one sequence (steps, features)."""
    outputs = []
    for row in x.unbind(0):
        output, state = cell.step(cell.project(row.unsqueeze(0)), state)
        outputs.append(output)
    return torch.cat(outputs) if outputs else None, state


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", [Leaky, Peephole])
def test_scan_is_the_plain_loop(cell, reverse, device):
    cell = cell(2, 3).to(device)
    x = torch.randn(6, 4, 2, **F64).to(device)
    outputs, state = nn.scan(cell, x, reverse=reverse)
    for i in range(4):
        row = x[:, i].flip(0) if reverse else x[:, i]
        expected, final = loop(cell, row, cell.initial_state(1, x))
        expected = expected.flip(0) if reverse else expected
        assert torch.allclose(outputs[:, i], expected, atol=1e-14)
        for a, b in zip(
            state if isinstance(state, tuple) else (state,),
            final if isinstance(final, tuple) else (final,),
            strict=True,
        ):
            assert torch.allclose(a[i], b[0], atol=1e-14)


def test_scan_takes_a_function_and_returns_states():
    def step(x, h):
        h = 0.5 * h + x
        return h * 2, h

    x = torch.ones(3, 1, 1)
    outputs, state, states = nn.scan(step, x, torch.zeros(1, 1), return_states=True)
    assert states.flatten().tolist() == [1.0, 1.5, 1.75]
    assert outputs.flatten().tolist() == [2.0, 3.0, 3.5] and state.item() == 1.75
    with pytest.raises(TypeError, match="needs a state"):
        nn.scan(step, x)


LAYERS = [
    lambda: nn.RNN(2, 3, **F64),
    lambda: nn.RNN(2, 3, bidirectional=True, nonlinearity="relu", **F64),
    lambda: nn.GRU(2, 3, num_layers=2, bidirectional=True, **F64),
    lambda: nn.LSTM(2, 3, num_layers=2, bidirectional=True, proj_size=2, **F64),
    lambda: nn.Recurrent(Leaky, 2, 3, num_layers=2, bidirectional=True),
    lambda: nn.Recurrent(Peephole, 2, 3, bidirectional=True),
]


def _parts(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("layer", LAYERS)
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_ragged_batch_is_each_sequence_alone(layer, device, lengths):
    """Outputs, final states and gradients, also of sequences of length 0, whatever the padding."""
    torch.manual_seed(1)
    layer = layer().to(device)
    steps = 5
    x = torch.randn(steps, len(lengths), 2, **F64).to(device)
    for i, length in enumerate(lengths):
        x[length:, i] = float("nan")
    x.requires_grad_()
    output, state = layer(x, lengths=lengths)
    total = (output**2).sum() + sum((s**3).sum() for s in _parts(state))
    grads = torch.autograd.grad(total, [x, *layer.parameters()])
    expected = [torch.zeros_like(g) for g in grads]
    for i, length in enumerate(lengths):
        assert bool((output[length:, i] == 0).all())
        if length == 0:
            assert all(bool((s[:, i] == 0).all()) for s in _parts(state))
            continue
        alone = x.detach()[:length, i : i + 1].clone().requires_grad_()
        single, final = layer(alone)
        assert torch.allclose(output[:length, i : i + 1], single, atol=1e-13)
        for a, b in zip(_parts(state), _parts(final), strict=True):
            assert torch.allclose(a[:, i : i + 1], b, atol=1e-13)
        total = (single**2).sum() + sum((s**3).sum() for s in _parts(final))
        own = torch.autograd.grad(total, [alone, *layer.parameters()])
        expected[0][:length, i : i + 1] += own[0]
        for e, g in zip(expected[1:], own[1:], strict=True):
            e += g
    for a, b in zip(grads, expected, strict=True):
        assert torch.allclose(a, b, atol=1e-12)


def test_lengths_as_tensor_and_batch_first():
    layer = nn.LSTM(2, 3, batch_first=True)
    x = torch.randn(3, 5, 2)
    one = layer(x, lengths=[5, 2, 0])
    two = layer(x, lengths=torch.tensor([5, 2, 0]))
    assert torch.equal(one[0], two[0]) and one[0].shape == (3, 5, 3)
    assert bool((one[0][1, 2:] == 0).all())


@pytest.mark.parametrize(
    "lengths, message",
    [
        ([5, 2], r"one per sequence \(3\), got 2"),
        ([5, 6, 1], "from 0 to 5 .* but sequence 1 has 6"),
        ([5, -1, 1], "sequence 1 has -1"),
        ([5, 1.5, 1], "sequence 1 has 1.5"),
        (torch.tensor(3), r"one per sequence \(3\)"),
    ],
)
def test_bad_lengths(lengths, message):
    with pytest.raises(ValueError, match=message):
        nn.GRU(2, 3)(torch.randn(5, 3, 2), lengths=lengths)


@pytest.mark.parametrize("layer", LAYERS)
def test_second_derivatives(layer, device):
    torch.manual_seed(3)
    layer = layer().to(device)
    x = (torch.randn(2, 2, 2, **F64) + 0.1).to(device).requires_grad_()

    def run(x, weight):
        output, state = layer(x, lengths=[2, 1])
        return output[:, :, 0], _parts(state)[0]

    weight = list(layer.parameters())[1]
    assert torch.autograd.gradcheck(run, (x, weight))
    assert torch.autograd.gradgradcheck(run, (x, weight))


class TestRecurrent:
    def test_shapes_and_parameters(self):
        layer = nn.Recurrent(Leaky, 2, 3, num_layers=2, bidirectional=True)
        output, state = layer(torch.randn(5, 4, 2, **F64))
        assert output.shape == (5, 4, 6) and state.shape == (4, 4, 3)
        assert [tuple(p.shape) for p in layer.cells[2].parameters()] == [(3, 9), (3,)]

    def test_state_goes_in_and_comes_out(self):
        layer = nn.Recurrent(Peephole, 2, 3, num_layers=2, batch_first=True)
        x = torch.randn(4, 6, 2, **F64)
        whole, final = layer(x)
        first, state = layer(x[:, :2])
        second, state = layer(x[:, 2:], state)
        assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-14)
        assert all(torch.allclose(a, b, atol=1e-14) for a, b in zip(state, final, strict=True))

    def test_stock_cells_make_the_stock_layers(self):
        layer, stock = nn.Recurrent(nn.LSTMCell, 2, 3, num_layers=2, **F64), nn.LSTM(2, 3, 2, **F64)
        names = {f"cells.{i}.{n}": f"{n}_l{i}" for i in (0, 1) for n in stock_names()}
        layer.load_state_dict({k: stock.state_dict()[v] for k, v in names.items()})
        x = torch.randn(5, 4, 2, **F64)
        for a, b in zip(flat(layer(x)), flat(stock(x)), strict=True):
            assert torch.equal(a, b)

    def test_dropout_between_layers(self):
        layer = nn.Recurrent(Leaky, 2, 3, num_layers=2, dropout=0.5)
        x = torch.randn(5, 4, 2, **F64)
        assert not torch.equal(layer(x)[0], layer(x)[0])
        layer.eval()
        assert torch.equal(layer(x)[0], layer(x)[0])

    def test_errors(self):
        layer = nn.Recurrent(Leaky, 2, 3)
        with pytest.raises(ValueError, match="at least 3D"):
            layer(torch.randn(5, 2, **F64))
        with pytest.raises(RuntimeError, match="first dimension of 1"):
            layer(torch.randn(5, 4, 2, **F64), torch.randn(2, 4, 3, **F64))
        with pytest.raises(NotImplementedError, match="needs a method step"):
            nn.Cell().step(torch.ones(1), None)


def stock_names():
    return ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def flat(result):
    output, state = result
    return [output, *_parts(state)]


def test_a_cell_alone_takes_one_step():
    cell = Leaky(2, 3)
    x = torch.randn(4, 2, **F64)
    h = cell(x)
    assert torch.equal(cell(x, h), cell.step(x, h)[1])
