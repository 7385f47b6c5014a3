"""Averages of weights, and the schedule that goes with them, as PyTorch's."""

import pytest

import tinygrad_rnn as ours

from ..both import t as t
from ..nn.side_by_side import pytorch


def model_of(t):
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3))
    with t.no_grad():
        for number, part in enumerate(model.parameters()):
            part.fill_(number + 1.0)
    return model


def averages(t, options):
    """All values of an averaged model behind each of four changes of the model."""
    model = model_of(t)
    averaged = t.optim.swa_utils.AveragedModel(model, **options(t.optim.swa_utils))
    seen = []
    for step in range(4):
        x = t.arange(8.0).reshape(4, 2) * (step + 1)
        model(x)  # changes the buffers
        with t.no_grad():
            for part in model.parameters():
                part.mul_(1.5).add_(step)
        averaged.update_parameters(model)
        seen += [(name, value.flatten().tolist()) for name, value in averaged.state_dict().items()]
    return seen, averaged.eval()(t.ones(1, 2)).tolist()[0]


OPTIONS = {
    "mean": lambda swa: {},
    "ema": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.75)},
    "own": lambda swa: {"avg_fn": lambda mean, value, n: mean * 0.5 + value * n},
    "means": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "emas": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.75)},
    "buffers": lambda swa: {"avg_fn": lambda mean, value, n: value, "use_buffers": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_averages(options, device):
    theirs, output = averages(pytorch(), options)
    with ours.device(device):
        mine, own_output = averages(ours, options)
    assert own_output == pytest.approx(output, rel=1e-5)
    for (name, values), (their_name, expected) in zip(mine, theirs, strict=True):
        assert name == their_name and values == pytest.approx(expected, rel=1e-5), name


def test_update_bn(t):
    model = model_of(t).eval()
    t.optim.swa_utils.update_bn([(t.arange(4.0).reshape(2, 2), 0), t.ones(3, 2)], model)
    norm = model[1]
    assert not model.training and norm.momentum == 0.1 and norm.num_batches_tracked == 2
    # What the linear layer gives is x1 + x2 + 2: 3 and 7, then 4 three times
    assert norm.running_mean.tolist() == [4.5] * 3 and norm.running_var.tolist() == [4.0] * 3
    t.optim.swa_utils.update_bn([t.ones(1, 1)], t.nn.Linear(1, 1))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_rates(strategy, epochs):
    def rates(t):
        groups = [{"params": [t.nn.Parameter(t.ones(1))]} for _ in range(2)]
        optimizer = t.optim.SGD(groups, lr=1.0)
        schedule = t.optim.swa_utils.SWALR(optimizer, [0.5, 0.01], epochs, strategy)
        seen = list(schedule.get_last_lr())
        for _ in range(6):
            optimizer.step()
            schedule.step()
            seen += schedule.get_last_lr()
        return seen, sorted(schedule.state_dict())

    mine, theirs = rates(ours), rates(pytorch())
    assert mine[0] == pytest.approx(theirs[0], rel=1e-12) and mine[1] == theirs[1]


def test_errors(t):
    swa, model = t.optim.swa_utils, t.nn.Linear(1, 1)
    optimizer = t.optim.SGD(model.parameters(), lr=1.0)
    for kind, call in (
        (ValueError, lambda: swa.get_ema_avg_fn(1.5)),
        (ValueError, lambda: swa.SWALR(optimizer, 0.1, anneal_strategy="sin")),
        (ValueError, lambda: swa.SWALR(optimizer, 0.1, anneal_epochs=-1)),
        (ValueError, lambda: swa.SWALR(optimizer, [0.1, 0.2])),
        (AssertionError, lambda: swa.AveragedModel(model, None, abs, abs)),
    ):
        with pytest.raises(kind):
            call()
