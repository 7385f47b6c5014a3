"""Pruning: masks, hooks and state dicts are PyTorch's."""

import importlib

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.nn.utils import prune

from ..both import t as t


def layer(t):
    made = t.nn.Linear(3, 4)
    with t.no_grad():
        made.weight.copy_((t.arange(12.0).reshape(4, 3) - 5.5) * t.tensor([[1], [-1], [2], [0.1]]))
        made.bias.copy_(t.tensor([1.0, -3.0, 2.0, 0.5]))
    return made


SCORES = [[7 * (3 * i + j) % 13 + 0.25 for j in range(3)] for i in range(4)]
CALLS = {
    "l1": lambda p, t, m: p.l1_unstructured(m, "weight", 5),
    "l1 fraction": lambda p, t, m: p.l1_unstructured(m, "weight", 0.4),
    "l1 of scores": lambda p, t, m: p.l1_unstructured(
        m, "weight", 5, importance_scores=t.tensor(SCORES)),
    "l1 none": lambda p, t, m: p.l1_unstructured(m, "weight", 0),
    "l1 all": lambda p, t, m: p.l1_unstructured(m, "weight", 1.0),
    "ln rows": lambda p, t, m: p.ln_structured(m, "weight", 1, n=1, dim=0),
    "ln columns": lambda p, t, m: p.ln_structured(m, "weight", 0.5, n=float("inf"), dim=-1),
    "mask": lambda p, t, m: p.custom_from_mask(m, "weight", t.arange(12).reshape(4, 3) % 2),
    "identity": lambda p, t, m: p.identity(m, "weight"),
    "twice": lambda p, t, m: [p.l1_unstructured(m, "weight", 0.5) for _ in range(2)],
    "rows, then elements": lambda p, t, m: [
        p.ln_structured(m, "weight", 2, 2, 0), p.l1_unstructured(m, "weight", 3)],
    "elements, then columns": lambda p, t, m: [
        p.l1_unstructured(m, "weight", 0.5), p.ln_structured(m, "weight", 1, 2, 1),
        p.ln_structured(m, "weight", 1, 2, 1)],
    "mask, then rows": lambda p, t, m: [
        p.custom_from_mask(m, "weight", t.arange(12).reshape(4, 3) // 3),
        p.ln_structured(m, "weight", 2, 2, 0)],
    "elements, then mask": lambda p, t, m: [
        p.l1_unstructured(m, "weight", 0.5),
        p.custom_from_mask(m, "weight", t.arange(12).reshape(4, 3) % 2)],
    "global": lambda p, t, m: p.global_unstructured(
        [(m, "weight"), (m, "bias")], p.L1Unstructured, amount=0.4),
    "global of scores": lambda p, t, m: p.global_unstructured(
        [(m, "weight"), (m, "bias")], p.L1Unstructured,
        importance_scores={(m, "weight"): t.tensor(SCORES)}, amount=7),
    "global, after": lambda p, t, m: [
        p.l1_unstructured(m, "bias", 2),
        p.global_unstructured([(m, "weight"), (m, "bias")], p.L1Unstructured, amount=6)],
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_masks_are_pytorch_s(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    importlib.import_module("torch.nn.utils.prune")
    states = []
    for lib in (torch, tg):
        model = layer(lib)
        CALLS[name](lib.nn.utils.prune, lib, model)
        x = lib.ones(2, 3)
        (model(x) ** 2).sum().backward()
        states.append(
            {key: value.tolist() for key, value in model.state_dict().items()}
            | {f"grad of {key}": value.grad.tolist() for key, value in model.named_parameters()}
            | {"y": [round(y, 4) for y in model(x).flatten().tolist()]}
            | {"hooks": [type(hook).__name__ for hook in model._forward_pre_hooks.values()]}
        )
    assert states[1].keys() == states[0].keys()
    for key, expected in states[0].items():
        assert states[1][key] == expected, key


def test_draws(t):
    p, model = t.nn.utils.prune, t.nn.Linear(10, 8)
    p.random_unstructured(model, "weight", 30)
    assert int((model.weight_mask == 0).sum()) == 30
    p.random_unstructured(model, "weight", 20)  # of what is left
    assert int((model.weight_mask == 0).sum()) == 50
    p.random_structured(model, "weight", 3, dim=1)
    columns = (model.weight_mask != 0).any(0)
    assert 4 <= int(columns.sum()) <= 7
    assert p.is_pruned(t.nn.Sequential(model)) and not p.is_pruned(t.nn.Linear(1, 1))


def test_training_keeps_zeros(t):
    p, model = t.nn.utils.prune, layer(t)
    p.l1_unstructured(model, "weight", 0.5)
    assert sorted(dict(model.named_parameters())) == ["bias", "weight_orig"]
    assert list(dict(model.named_buffers())) == ["weight_mask"]
    optimizer = t.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (model(t.ones(2, 3)) ** 2).sum().backward()
        optimizer.step()
    model(t.ones(2, 3))
    zero = model.weight_mask == 0
    assert int(zero.sum()) == 6 and bool((model.weight[zero] == 0).all())
    other = layer(t)
    p.identity(other, "weight")
    other.load_state_dict(model.state_dict())
    assert t.equal(other(t.ones(1, 3)), model(t.ones(1, 3)))
    before = model.weight.tolist()
    assert p.remove(model, "weight") is model
    assert isinstance(model.weight, t.nn.Parameter) and model.weight.tolist() == before
    assert list(dict(model.named_parameters())) == ["bias", "weight"]
    assert len(model._forward_pre_hooks) == 0 and not p.is_pruned(model)


def test_pruned_lstm():
    model = tg.nn.LSTM(3, 4)
    prune.l1_unstructured(model, "weight_hh_l0", 0.5)
    x = tg.randn(5, 2, 3)
    plain = tg.nn.LSTM(3, 4)
    plain.load_state_dict({name: getattr(model, name).detach() for name in plain.state_dict()})
    y, expected = model(x)[0], plain(x)[0]
    assert tg.equal(y, expected)
    y.sum().backward()
    zero = model.weight_hh_l0_mask == 0
    assert bool((model.weight_hh_l0_orig.grad[zero] == 0).all())
    assert bool((model.weight_hh_l0_orig.grad[~zero] != 0).all())


def test_own_methods(t):
    p = t.nn.utils.prune

    class EveryOther(p.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    model = layer(t)
    EveryOther.apply(model, "bias")
    assert model.bias_mask.tolist() == [0, 1, 0, 1]
    container = EveryOther.apply(model, "bias")
    assert model.bias_mask.tolist() == [0, 0, 0, 1]
    assert len(container) == 2 and container[0] is next(iter(container))
    assert isinstance(next(iter(model._forward_pre_hooks.values())), p.PruningContainer)
    assert EveryOther().prune(t.ones(3)).tolist() == [0, 1, 0]
    assert p.L1Unstructured(1).prune(
        t.ones(2), importance_scores=t.tensor([2.0, 1.0])
    ).tolist() == [1, 0]


def test_errors(t):
    p, model = t.nn.utils.prune, layer(t)

    class Odd(p.L1Unstructured):
        PRUNING_TYPE = "odd"

    class Slices(p.L1Unstructured):
        PRUNING_TYPE = "structured"

    for call, error, text in (
        (lambda: p.l1_unstructured(model, "nothing", 1), AttributeError, "nothing"),
        (lambda: p.l1_unstructured(model, "weight", 13), ValueError, "amount=13 should be smaller"),
        (lambda: p.l1_unstructured(model, "weight", 1.5), ValueError, "amount=1.5 should either"),
        (lambda: p.l1_unstructured(model, "weight", -1), ValueError, "amount=-1 should either"),
        (lambda: p.l1_unstructured(model, "weight", "x"), TypeError, "amount"),
        (lambda: p.ln_structured(model, "bias", 1, 2, 0), ValueError, "multidimensional"),
        (lambda: p.ln_structured(model, "weight", 1, 2, 2), IndexError, "Invalid index 2"),
        (lambda: p.l1_unstructured(model, "weight", 1, t.ones(2)), AssertionError, "same shape"),
        (lambda: p.remove(model, "weight"), ValueError, "has to be pruned before"),
        (lambda: p.global_unstructured(5, p.L1Unstructured, amount=1), TypeError, "Iterable"),
        (lambda: p.global_unstructured([(model, "weight")], p.LnStructured, amount=1, n=2),
         TypeError, 'Only "unstructured"'),
        (lambda: p.PruningContainer().add_pruning_method(3), TypeError, "not a BasePruningMethod"),
    ):  # fmt: skip
        with pytest.raises(error, match=text):
            call()
    assert sorted(dict(model.named_parameters())) == ["bias", "weight"]  # nothing happened
    for method, error, text in ((Odd, ValueError, "odd"), (Slices, AttributeError, "`dim`")):
        model = p.identity(layer(t), "bias")
        with pytest.raises(error, match=text):
            method.apply(model, "bias", 1)
