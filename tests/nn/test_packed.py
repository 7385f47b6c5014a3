"""nn.utils.rnn: padding and packing, against PyTorch."""

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn
from tinygrad_rnn.nn.utils import rnn

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch==2.13.0")

pytestmark = pytest.mark.usefixtures("default_device")
theirs = torch.nn.utils.rnn


def sequences(lengths):
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((n, 2)) for n in lengths]
    return [tg.tensor(v) for v in values], [torch.tensor(v) for v in values]


def same(a, b, atol=0.0):
    assert tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(a.detach().cpu().numpy(), b.numpy(force=True), atol=atol, rtol=0)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence(batch_first, side):
    ours, yours = sequences([3, 1, 2])
    same(
        rnn.pad_sequence(ours, batch_first, -1.0, padding_side=side),
        theirs.pad_sequence(yours, batch_first, -1.0, padding_side=side),
    )


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths, enforce", [([4, 2, 1], True), ([1, 4, 2, 4], False)])
def test_pack_and_pad_again(lengths, enforce, batch_first):
    ours, yours = sequences(lengths)
    mine = rnn.pack_padded_sequence(
        rnn.pad_sequence(ours, batch_first), lengths, batch_first, enforce_sorted=enforce
    )
    expected = theirs.pack_padded_sequence(
        theirs.pad_sequence(yours, batch_first), lengths, batch_first, enforce_sorted=enforce
    )
    same(mine.data, expected.data)
    same(mine.batch_sizes, expected.batch_sizes)
    assert (mine.sorted_indices is None) == (expected.sorted_indices is None)
    if not enforce:
        same(mine.sorted_indices, expected.sorted_indices)
        same(mine.unsorted_indices, expected.unsorted_indices)
    for total in (None, 6):
        padded, counts = rnn.pad_packed_sequence(mine, batch_first, -2.0, total)
        their_padded, their_counts = theirs.pad_packed_sequence(expected, batch_first, -2.0, total)
        same(padded, their_padded)
        assert counts.tolist() == their_counts.tolist()


def test_pack_sequence_and_back():
    ours, yours = sequences([4, 2, 1])
    same(rnn.pack_sequence(ours).data, theirs.pack_sequence(yours).data)
    for a, b in zip(rnn.unpack_sequence(rnn.pack_sequence(ours)), ours, strict=True):
        assert tg.equal(a, b)
    padded = rnn.pad_sequence(ours)
    for a, b in zip(rnn.unpad_sequence(padded, tg.tensor([4, 2, 1])), ours, strict=True):
        assert tg.equal(a, b)


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("given_state", [False, True])
def test_layers_take_packed_sequences(mode, given_state):
    options = {"num_layers": 2, "bidirectional": True}
    mine = getattr(nn, mode)(2, 3, dtype=tg.float64, **options)
    yours = getattr(torch.nn, mode)(2, 3, dtype=torch.float64, **options)
    mine.load_state_dict({k: tg.tensor(v.numpy()) for k, v in yours.state_dict().items()})
    our_x, their_x = sequences([2, 5, 1, 3])
    h = np.random.default_rng(1).standard_normal((4, 4, 3))

    def state(module):
        made = module.tensor(h)
        return (made, made * 2) if mode == "LSTM" else made

    args = [[rnn.pack_sequence(our_x, False)], [theirs.pack_sequence(their_x, False)]]
    if given_state:
        args[0].append(state(tg))
        args[1].append(state(torch))
    output, final = mine(*args[0])
    their_output, their_final = yours(*args[1])
    assert isinstance(output, rnn.PackedSequence)
    same(output.data, their_output.data, 1e-12)
    for a, b in zip(
        final if isinstance(final, tuple) else (final,),
        their_final if isinstance(their_final, tuple) else (their_final,),
        strict=True,
    ):
        same(a, b, 1e-12)
    output.data.sum().backward()
    their_output.data.sum().backward()
    for a, b in zip(mine.parameters(), yours.parameters(), strict=True):
        same(a.grad, b.grad, 1e-11)


def test_conversions():
    packed = rnn.pack_sequence(sequences([2, 1])[0])
    assert packed.float().data.dtype is tg.float32
    assert packed.float().double().data.dtype is tg.float64
    assert packed.to(packed.data.device) is packed and packed.is_cuda == packed.data.is_cuda
    assert not packed.cpu().is_cuda and packed.cpu().cpu().data.is_cpu
    assert packed.to(tg.float32).batch_sizes.tolist() == [2, 1]


@pytest.mark.parametrize(
    "lengths, enforce, error, message",
    [
        ([1, 2], True, RuntimeError, "`lengths` array must be sorted in decreasing order"),
        ([2, 0], True, RuntimeError, "Length of all samples has to be greater than 0"),
    ],
)
def test_errors_as_pytorchs(lengths, enforce, error, message):
    with pytest.raises(error, match=message):
        rnn.pack_padded_sequence(tg.ones(3, 2, 1), lengths, enforce_sorted=enforce)
    with pytest.raises(error, match=message):
        theirs.pack_padded_sequence(torch.ones(3, 2, 1), lengths, enforce_sorted=enforce)


def test_a_packed_sequence_is_made_and_changed_as_pytorch_s():
    for lib in (tg, torch):
        make = lib.nn.utils.rnn.PackedSequence
        packed = make(lib.zeros(5, 2), lib.tensor([2, 2, 1], device="cpu"), lib.tensor([1, 0]))
        assert packed.unsorted_indices.tolist() == [1, 0] and make._fields[0] == "data"
        for name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
            changed = getattr(packed, name)()
            assert changed.data.dtype is getattr(packed.data, name)().dtype, name
            assert type(changed) is make and changed.batch_sizes is packed.batch_sizes
        assert packed.to(lib.float32) is packed and not packed.cpu().is_cuda
        assert packed.to(lib.float64).sorted_indices.tolist() == [1, 0]
        with pytest.raises(RuntimeError, match="padding_side"):
            lib.nn.utils.rnn.pad_sequence([lib.ones(1, 1)], padding_side="middle")
        with pytest.raises(RuntimeError, match="Expected iterable"):
            lib.nn.utils.rnn.pad_sequence(3)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_dropout_between_layers_draws_numbers_for_what_is_packed(name):
    ours, yours = sequences([2, 4, 1])
    outputs = []
    for lib, values in ((tg, ours), (torch, yours)):
        lib.manual_seed(0)
        layer = getattr(lib.nn, name)(2, 3, 3, dropout=0.5, bidirectional=True).double()
        packed = lib.nn.utils.rnn.pack_sequence(values, enforce_sorted=False)
        outputs.append((layer(packed)[0].data, layer.eval()(packed)[0].data))
    for a, b in zip(*outputs, strict=True):
        same(a, b, 1e-12)


def test_packing_differentiates():
    x = tg.arange(12.0).reshape(3, 2, 2).requires_grad_()
    packed = rnn.pack_padded_sequence(x, [1, 3], enforce_sorted=False)
    again, _ = rnn.pad_packed_sequence(packed, padding_value=9.0)
    (again**2).sum().backward()
    expected = 2 * x.detach()
    expected[1:, 0] = 0
    assert tg.equal(x.grad, expected)


def test_errors_where_pytorch_has_none():
    with pytest.raises(ValueError, match="6 is longer than the input's 5 steps"):
        rnn.pack_padded_sequence(tg.ones(5, 3, 1), [6, 3, 1], enforce_sorted=False)
    with pytest.raises(ValueError, match=r"one per sequence \(3\), got 2"):
        rnn.pack_padded_sequence(tg.ones(5, 3, 1), [5, 3])
    with pytest.raises(ValueError, match="Expected total_length to be at least"):
        rnn.pad_packed_sequence(rnn.pack_sequence([tg.ones(3, 1)]), total_length=2)
    with pytest.raises(RuntimeError, match="empty list"):
        rnn.pad_sequence([])
    with pytest.raises(ValueError, match="has its own"):
        nn.GRU(1, 2)(rnn.pack_sequence([tg.ones(3, 1)]), lengths=[3])
