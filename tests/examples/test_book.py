"""The pieces of the book's programs: its cells against the layers, clipping, writing, the poems."""

from argparse import Namespace

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, testing, text
from tinygrad_rnn.nn import functional as F

from .programs import EXAMPLES, load

pytestmark = pytest.mark.cpu("programs that run by themselves")

VOCAB, HIDDEN, STEPS, BATCH = 5, 4, 6, 3


@pytest.fixture(scope="module")
def x():
    torch.manual_seed(1)
    return F.one_hot(torch.randint(0, VOCAB, (STEPS, BATCH)), VOCAB).float()


def large(params):
    """Weights of a size at which the order of the gates is seen."""
    with torch.no_grad():
        for param in params:
            param.copy_(torch.randn(param.shape))
    return params


def layer_of(layer, blocks, head):
    """The layer with the book's weights (inputs, hidden): one block (W_x, W_h, b) for each of its
    gates, in its order; and a function that gives its scores."""
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.cat([W_x for W_x, _, _ in blocks], 1).T)
        layer.weight_hh_l0.copy_(torch.cat([W_h for _, W_h, _ in blocks], 1).T)
        layer.bias_ih_l0.copy_(torch.cat([b for _, _, b in blocks]))
        layer.bias_hh_l0.zero_()
    W_hq, b_q = head
    return lambda x: layer(x)[0].reshape(-1, HIDDEN) @ W_hq + b_q


def test_rnn_is_the_layer(x):
    book = load("rnn_scratch")
    params = large(book.get_params(VOCAB, HIDDEN, "cpu"))
    scores, _ = book.rnn(x, book.init_rnn_state(BATCH, HIDDEN, "cpu"), params)
    theirs = layer_of(nn.RNN(VOCAB, HIDDEN), [params[:3]], params[3:])
    testing.assert_close(scores, theirs(x))


@pytest.mark.parametrize(
    "cell, layer, order",
    [
        ("gru", nn.GRU(VOCAB, HIDDEN, reset_after=False), (1, 0, 2)),  # r, z, n of z, r, h
        ("lstm", nn.LSTM(VOCAB, HIDDEN), (0, 1, 3, 2)),  # i, f, g, o of i, f, o, c
    ],
)
def test_gated_cells_are_the_layers(cell, layer, order, x):
    get_params, init_state, forward = load("gru_lstm_scratch").CELLS[cell]
    params = large(get_params(VOCAB, HIDDEN, "cpu"))
    scores, state = forward(x, init_state(BATCH, HIDDEN, "cpu"), params)
    blocks = [params[3 * gate : 3 * gate + 3] for gate in order]
    testing.assert_close(scores, layer_of(layer, blocks, params[-2:])(x))
    final = layer(x)[1]
    for ours, theirs in zip(state, final if cell == "lstm" else [final], strict=True):
        testing.assert_close(ours, theirs[0])


def test_the_cell_of_the_books_gru(x):
    """Against the loop from scratch; ragged batches and directions come with the cell."""
    scratch = load("gru_lstm_scratch")
    params = large(scratch.get_gru_params(VOCAB, HIDDEN, "cpu"))
    W_xz, W_hz, b_z, W_xr, W_hr, b_r, W_xh, W_hh, b_h, W_hq, b_q = params
    cell = load("book_gru").BookGRUCell(VOCAB, HIDDEN)
    made = [torch.cat([W_xz, W_xr, W_xh], 1), W_hz, W_hr, W_hh, torch.cat([b_z, b_r, b_h])]
    with torch.no_grad():
        for param, value in zip(cell.parameters(), made, strict=True):
            param.copy_(value)
    outputs, state = nn.scan(cell, x)
    scores, (final,) = scratch.gru(x, scratch.init_rnn_state(BATCH, HIDDEN, "cpu"), params)
    testing.assert_close(outputs.reshape(-1, HIDDEN) @ W_hq + b_q, scores)
    testing.assert_close(state, final)
    _, ends = nn.scan(cell, x, lengths=[2, 6, 0])
    testing.assert_close(ends, torch.stack([outputs[1, 0], outputs[5, 1], torch.zeros(HIDDEN)]))


@pytest.mark.parametrize("theta, scale", [(1.0, 1 / 13), (13.0, 1.0), (20.0, 1.0)])
@pytest.mark.parametrize("kind", ["list", "module"])
def test_grad_clipping(theta, scale, kind):
    model = nn.Module()
    model.a, model.b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    model.frozen = nn.Parameter(torch.zeros(1), requires_grad=False)
    model.a.grad, model.b.grad = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 12.0])
    net = model if kind == "module" else Namespace(params=[model.a, model.b])
    load("rnn_scratch").grad_clipping(net, theta)
    testing.assert_close(model.a.grad, scale * torch.tensor([3.0, 4.0]))
    testing.assert_close(model.b.grad, scale * torch.tensor([0.0, 12.0]))


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM])
def test_writing_goes_on_from_the_warm_up(layer):
    """Character by character, with the state: as if all that is written were read anew."""
    vocab = text.Vocab("the time traveller")
    model = load("rnn_concise").RNNModel(layer(len(vocab), 8, num_layers=2), len(vocab))
    large(model.parameters())
    written = load("rnn_scratch").predict("time", 6, model, vocab, "cpu")
    assert written.startswith("time") and len(model.begin_state("cpu", 3)[0]) in (2, 3)
    known = vocab[list("time")]
    for _ in range(6):
        scores, _ = model(torch.tensor([known]), model.begin_state("cpu"))
        known.append(int(scores[-1].argmax()))
    assert written == "".join(vocab.to_tokens(known))


def perplexities(name, args):
    """Those of a run without its picture."""
    program = load(name)
    program.save_perplexities = lambda path, curves: None
    return program.main(args.split())


@pytest.mark.parametrize("name", ["rnn_scratch", "gru_lstm_concise"])
def test_on_every_device(name, device):
    args = "--text sample --max-tokens 300 --hidden-size 8 --batch-size 4 --num-steps 10 --epochs 2"
    expected = perplexities(name, f"{args} --device cpu")
    assert perplexities(name, f"{args} --device {device}") == pytest.approx(expected, rel=1e-5)


def test_a_bidirectional_model_looks_ahead():
    """It wins where the next character is at hand, at a size that shows it."""
    args = "--text sample --max-tokens 800 --hidden-size 32 --batch-size 4 --num-steps 15"
    losses = perplexities("deep_bidirectional", f"{args} --epochs 16 --num-layers 1")
    deep, bidirectional = losses[15], losses[31]
    assert bidirectional < 0.5 * deep


def test_the_poems():
    poems = (EXAMPLES / "tang_poems.txt").read_text(encoding="utf-8")
    lines = poems.splitlines()
    assert len(lines) == len(set(lines)) == 47
    for line in lines:
        assert line.endswith("。")
        verses = line.removesuffix("。").replace("。", "，").split("，")
        assert len({len(verse) for verse in verses}) == 1 and len(verses[0]) in (5, 7)
        assert len(verses) % 2 == 0


@pytest.mark.parametrize("options, last", [("scratch --cell rnn", 200.0), ("concise", 10.0)])
def test_the_poems_are_learned(options, last):
    """With a learning rate of 100 from scratch, and of 0.01 by Adam."""
    losses = perplexities("lyrics", f"--epochs 10 --hidden-size 64 --model {options}")
    assert losses[0] > 300 and losses[-1] < last
