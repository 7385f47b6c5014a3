"""Schedules of learning rates: PyTorch's numbers, states, warnings and errors."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import optim
from tinygrad_rnn.optim import lr_scheduler

from ..nn.side_by_side import pytorch, refused

STEPS = 40


class Ramp:
    """A function that is an object, with something to save."""

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, epoch):
        return 1 + self.slope * epoch


def cosine(s, o, **options):
    return s.CosineAnnealingLR(o, 7, eta_min=0.01, **options)


def warm_up(s, o):
    parts = [s.LinearLR(o, total_iters=5), s.ExponentialLR(o, 0.9), s.PolynomialLR(o, 9)]
    return s.SequentialLR(o, parts, [5, 20])


# Each takes the module of schedulers and an optimizer; options may have last_epoch.
CASES = {
    "Lambda": lambda s, o, **k: s.LambdaLR(o, lambda epoch: 0.95**epoch, **k),
    "Lambdas": lambda s, o, **k: s.LambdaLR(o, [Ramp(0.5), lambda epoch: 1.0], **k),
    "Multiplicative": lambda s, o, **k: s.MultiplicativeLR(o, lambda epoch: 1 - epoch / 100, **k),
    "Step": lambda s, o, **k: s.StepLR(o, 7, 0.5, **k),
    "MultiStep": lambda s, o, **k: s.MultiStepLR(o, [3, 9, 9, 30], 0.5, **k),
    "Constant": lambda s, o, **k: s.ConstantLR(o, 0.25, 6, **k),
    "Constant-default": lambda s, o, **k: s.ConstantLR(o, **k),
    "Linear": lambda s, o, **k: s.LinearLR(o, 0.25, 0.75, 12, **k),
    "Exponential": lambda s, o, **k: s.ExponentialLR(o, 0.9, **k),
    "Polynomial": lambda s, o, **k: s.PolynomialLR(o, 30, 2.0, **k),
    "Cosine": cosine,
    "WarmRestarts": lambda s, o, **k: s.CosineAnnealingWarmRestarts(o, 5, **k),
    "WarmRestarts-longer": lambda s, o, **k: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01, **k),
    "Cyclic": lambda s, o, **k: s.CyclicLR(o, 0.1, 0.9, 5, **k),
    "Cyclic-2": lambda s, o, **k: s.CyclicLR(o, [0.1, 0.2], 0.9, 4, 7, "triangular2", **k),
    "Cyclic-exp": lambda s, o, **k: s.CyclicLR(o, 0.1, [0.9, 0.8], 3, mode="exp_range",
                                               gamma=0.9, base_momentum=[0.3, 0.4], **k),
    "Cyclic-own": lambda s, o, **k: s.CyclicLR(o, 0.1, 0.9, 5, scale_fn=Ramp(-0.1), **k),
    "Cyclic-own-steps": lambda s, o, **k: s.CyclicLR(o, 0.1, 0.9, 5, scale_fn=lambda x: 0.9**x,
                                                     scale_mode="iterations", **k),
    "Cyclic-rate-only": lambda s, o, **k: s.CyclicLR(o, 0.1, 0.9, 5, cycle_momentum=False, **k),
    "OneCycle": lambda s, o, **k: s.OneCycleLR(o, 0.9, STEPS, **k),
    "OneCycle-linear": lambda s, o, **k: s.OneCycleLR(o, [0.9, 0.7], epochs=STEPS // 5,
                                                      steps_per_epoch=5, pct_start=0.2,
                                                      anneal_strategy="linear", **k),
    "OneCycle-three": lambda s, o, **k: s.OneCycleLR(o, 0.9, STEPS, three_phase=True,
                                                     div_factor=5, **k),
    "OneCycle-rate-only": lambda s, o, **k: s.OneCycleLR(o, 0.9, STEPS, cycle_momentum=False, **k),
    "Sequential": lambda s, o: warm_up(s, o),
    "Sequential-cosine": lambda s, o: s.SequentialLR(o, [s.LinearLR(o), cosine(s, o)], [6]),
    "Chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.3, 4), s.StepLR(o, 9)], o),
    "Chained-sequence": lambda s, o: s.ChainedScheduler([warm_up(s, o), s.StepLR(o, 9)]),
}  # fmt: skip
ONE_PIECE = [name for name in CASES if not name.startswith(("Sequential", "Chained"))]


def start(lib, kind="SGD", tensor_lr=False):
    """An optimizer of two groups."""
    params = [{"params": [lib.zeros(2, requires_grad=True)]},
              {"params": [lib.ones(3, requires_grad=True)], "lr": 0.25}]  # fmt: skip
    options = {"lr": 0.5, **({"momentum": 0.9} if kind == "SGD" else {})}
    if tensor_lr:
        options["lr"] = lib.tensor(0.5)
    return getattr(lib.optim, kind)(params, **options)


def schedulers(lib):
    return lib.optim.lr_scheduler


def observed(optimizer, scheduler):
    """All that a schedule changes."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    assert [float(lr) for lr in scheduler.get_last_lr()] == rates
    momenta = [
        group["momentum"] if "momentum" in group else group["betas"][0]
        for group in optimizer.param_groups
    ]
    return [scheduler.last_epoch if hasattr(scheduler, "last_epoch") else -1, *rates, *momenta]


def run(optimizer, scheduler, steps):
    found = [observed(optimizer, scheduler)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        found.append(observed(optimizer, scheduler))
    return np.array(found)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("case", CASES)
def test_rates_are_pytorch_s(case, kind):
    found = []
    for lib in (tg, pytorch()):
        optimizer = start(lib, kind)
        found.append(run(optimizer, CASES[case](schedulers(lib), optimizer), STEPS))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)
    assert len({tuple(row[1:]) for row in found[0]}) > 1


@pytest.mark.parametrize("case", CASES)
def test_going_on_in_either_library(case):
    torch = pytorch()
    optimizer = start(torch)
    expected = run(optimizer, CASES[case](schedulers(torch), optimizer), STEPS)
    for first, second in ((tg, tg), (tg, torch), (torch, tg)):
        optimizers = [start(first), start(second)]
        before, after = (
            CASES[case](schedulers(lib), optimizer)
            for lib, optimizer in zip((first, second), optimizers, strict=True)
        )
        run(optimizers[0], before, STEPS // 2)
        saved = copy.deepcopy(before.state_dict())
        assert sorted(saved) == sorted(after.state_dict())
        # .load_state_dict of optimizers comes after that of schedulers, or before it
        optimizers[1].load_state_dict(optimizers[0].state_dict())
        after.load_state_dict(saved)
        rest = run(optimizers[1], after, STEPS - STEPS // 2)
        np.testing.assert_allclose(rest, expected[STEPS // 2 :], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_what_is_saved(case):
    saved = []
    for lib in (tg, pytorch()):
        optimizer = start(lib)
        scheduler = CASES[case](schedulers(lib), optimizer)
        run(optimizer, scheduler, 3)
        saved.append(list(scheduler.state_dict()))
    assert saved[0] == saved[1]


@pytest.mark.parametrize("case", ONE_PIECE)
def test_beginning_at_a_later_epoch(case):
    found = []
    for lib in (tg, pytorch()):
        optimizer = start(lib)
        run(optimizer, CASES[case](schedulers(lib), optimizer), 5)
        scheduler = CASES[case](schedulers(lib), optimizer, last_epoch=5)
        found.append(run(optimizer, scheduler, 20))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", ONE_PIECE)
def test_an_epoch_by_its_number(case):
    found = []
    for lib in (tg, pytorch()):
        optimizer = start(lib)
        scheduler = CASES[case](schedulers(lib), optimizer)
        optimizer.step()
        rows = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for epoch in (1, 2, 9, 30, 8, 21):
                scheduler.step(epoch)
                rows.append(observed(optimizer, scheduler))
        found.append(rows)
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)


def test_restarts_at_fractions_of_epochs():
    found = []
    for lib in (tg, pytorch()):
        for factor in (1, 2):
            optimizer = start(lib)
            scheduler = schedulers(lib).CosineAnnealingWarmRestarts(optimizer, 3, factor)
            for batch in range(60):
                scheduler.step(batch / 7)
                found.append([factor, *observed(optimizer, scheduler)])
    np.testing.assert_allclose(*np.split(np.array(found), 2), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_a_rate_that_is_a_tensor_is_changed_in_place(case):
    found = []
    for lib in (tg, pytorch()):
        optimizer = start(lib, tensor_lr=True)
        rate = optimizer.param_groups[0]["lr"]
        scheduler = CASES[case](schedulers(lib), optimizer)
        found.append(run(optimizer, scheduler, 20))
        assert optimizer.param_groups[0]["lr"] is rate
        assert float(scheduler.get_last_lr()[0]) == float(rate)
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_copies_and_pickles(case):
    optimizer = start(tg)
    scheduler = CASES[case](lr_scheduler, optimizer)
    run(optimizer, scheduler, 3)
    twin, twin_scheduler = copy.deepcopy((optimizer, scheduler))
    np.testing.assert_array_equal(run(twin, twin_scheduler, 9), run(optimizer, scheduler, 9))
    pickle.dumps(scheduler.state_dict())


# ----- when progress ends -----


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2, "factor": 0.5, "cooldown": 3},
        {"patience": 0, "mode": "max", "threshold": 0.3, "min_lr": [0.1, 0.2]},
        {"patience": 1, "threshold_mode": "abs", "threshold": 0.5, "min_lr": 0.01},
        {"patience": 1, "mode": "max", "threshold_mode": "abs", "eps": 0.1},
    ],
    ids=str,
)
def test_plateaus(options):
    losses = [5 - math.log(1 + n) + math.sin(n * n) for n in range(60)] + [math.nan] * 5
    found = []
    for lib in (tg, pytorch()):
        optimizer = start(lib)
        scheduler = schedulers(lib).ReduceLROnPlateau(optimizer, **options)
        rows = []
        for n, loss in enumerate(losses):
            scheduler.step(lib.tensor(loss) if n % 2 else loss)
            rows.append([scheduler.best, scheduler.num_bad_epochs, scheduler.in_cooldown,
                         *observed(optimizer, scheduler)])  # fmt: skip
            if n == 20:
                state = scheduler.state_dict()
                scheduler = schedulers(lib).ReduceLROnPlateau(optimizer)
                assert sorted(state) == sorted(scheduler.state_dict())
                scheduler.load_state_dict(state)
        found.append(rows)
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_a_plateau_after_a_group_was_added():
    for least in (0.1, [0.1, 0.2]):
        optimizer = start(tg)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, min_lr=least, patience=0)
        optimizer.add_param_group({"params": tg.zeros(1, requires_grad=True)})
        scheduler.step(1.0)
        if least == 0.1:
            scheduler.step(1.0)
            assert scheduler.get_last_lr() == [0.1, 0.1, 0.1]
        else:
            with pytest.raises(RuntimeError, match="differs from when `ReduceLROnPlateau`"):
                scheduler.step(1.0)


# ----- schedulers of one's own -----


def test_a_schedule_of_one_s_own():
    for lib in (tg, pytorch()):
        assert issubclass(schedulers(lib)._LRScheduler, schedulers(lib).LRScheduler)

        class Harmonic(schedulers(lib).LRScheduler):
            def get_lr(self):
                assert self._get_lr_called_within_step
                return [lr / (1 + self.last_epoch) for lr in self.base_lrs]

        optimizer = start(lib)
        rows = run(optimizer, Harmonic(optimizer), 3)
        assert rows[:, 0].tolist() == [0, 1, 2, 3] and rows[:, 1].tolist() == [
            0.5,
            0.25,
            0.5 / 3,
            0.125,
        ]
        with pytest.raises(NotImplementedError):
            schedulers(lib).LRScheduler(optimizer)


# ----- warnings and errors -----


def test_warnings():
    for lib in (tg, pytorch()):
        optimizer = start(lib)
        scheduler = schedulers(lib).StepLR(optimizer, 2)
        with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)"):
            scheduler.step()
        scheduler.step()  # once is enough
        with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step"):
            scheduler.step(3)
        with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
            scheduler.get_lr()
        optimizer = start(lib)
        scheduler = schedulers(lib).StepLR(optimizer, 2)
        optimizer.step()
        scheduler.step()


def test_a_step_of_one_s_own_counts():
    class Still(optim.Optimizer):
        def step(self, closure=None):
            return "stepped"

    optimizer = Still([tg.zeros(1, requires_grad=True)], {"lr": 0.5})
    calls = []
    optimizer.register_step_post_hook(lambda *args: calls.append(args))
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    assert optimizer.step() == "stepped" and calls == [(optimizer, (optimizer,), {})]
    scheduler.step()
    assert scheduler.get_last_lr() == [0.25]


def on(build):
    """A program that makes a scheduler on a fresh optimizer."""
    return lambda lib: build(schedulers(lib), start(lib))


REFUSED = {
    "no optimizer": (on(lambda s, o: s.StepLR(3, 2)), "int is not an Optimizer"),
    "no optimizer, cyclic": (on(lambda s, o: s.CyclicLR(3, 2, 1)), "int is not an Optimizer"),
    "resumed": (on(lambda s, o: s.StepLR(o, 2, last_epoch=3)),
                "param 'initial_lr' is not specified in param_groups[0] when resuming"),
    "functions": (on(lambda s, o: s.LambdaLR(o, [lambda e: 1])), "Expected 2 lr_lambdas, but got"),
    "no function": (on(lambda s, o: s.MultiplicativeLR(o, 0.5)),
                    "lr_lambda should be a function, but got float"),
    "constant": (on(lambda s, o: s.ConstantLR(o, 2)),
                 "Constant multiplicative factor expected to be between 0 and 1"),
    "linear": (on(lambda s, o: s.LinearLR(o, 0)), "Starting multiplicative factor expected to be"),
    "linear end": (on(lambda s, o: s.LinearLR(o, 1, 2)), "Ending multiplicative factor expected"),
    "T_0": (on(lambda s, o: s.CosineAnnealingWarmRestarts(o, 0.5)),
            "Expected positive integer T_0, but got 0.5"),
    "T_mult": (on(lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 0)),
               "Expected integer T_mult >= 1, but got 0"),
    "eta_min": (on(lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 1, "0")),
                "Expected float or int eta_min, but got 0 of type <class 'str'>"),
    "negative epoch": (on(lambda s, o: s.CosineAnnealingWarmRestarts(o, 1).step(-1)),
                       "Expected non-negative epoch, but got -1"),
    "cyclic mode": (on(lambda s, o: s.CyclicLR(o, 1, 2, mode="x")),
                    "mode is invalid and scale_fn is None"),
    "cyclic lists": (on(lambda s, o: s.CyclicLR(o, [1], 2)),
                     "base_lr must have the same length as optimizer.param_groups. base_lr has 1"),
    "no momentum": (lambda lib: schedulers(lib).CyclicLR(start(lib, "Adagrad"), 1, 2),
                    "optimizer must support momentum or beta1 with `cycle_momentum`"),
    "one cycle steps": (on(lambda s, o: s.OneCycleLR(o, 1)),
                        "You must define either total_steps OR (epochs AND steps_per_epoch)"),
    "one cycle total": (on(lambda s, o: s.OneCycleLR(o, 1, 0)),
                        "Expected positive integer total_steps, but got 0"),
    "one cycle epochs": (on(lambda s, o: s.OneCycleLR(o, 1, epochs=1.5, steps_per_epoch=2)),
                         "Expected positive integer epochs, but got 1.5"),
    "one cycle batches": (on(lambda s, o: s.OneCycleLR(o, 1, epochs=1, steps_per_epoch=-2)),
                          "Expected positive integer steps_per_epoch, but got -2"),
    "one cycle start": (on(lambda s, o: s.OneCycleLR(o, 1, 9, pct_start=2)),
                        "Expected float between 0 and 1 pct_start, but got 2"),
    "one cycle way": (on(lambda s, o: s.OneCycleLR(o, 1, 9, anneal_strategy="x")),
                      "anneal_strategy must be one of 'cos' or 'linear', instead got x"),
    "one cycle end": (on(lambda s, o: run(o, s.OneCycleLR(o, 1, 9), 10)),
                      "Tried to step 10 times. The specified number of total steps is 9"),
    "plateau factor": (on(lambda s, o: s.ReduceLROnPlateau(o, factor=1.0)),
                       "Factor should be < 1.0"),
    "plateau mode": (on(lambda s, o: s.ReduceLROnPlateau(o, "x")), "mode x is unknown!"),
    "plateau threshold": (on(lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="x")),
                          "threshold mode x is unknown!"),
    "plateau least": (on(lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1])),
                      "expected 2 min_lrs, got 1"),
    "sequence of none": (on(lambda s, o: s.SequentialLR(o, [], [])),
                         "SequentialLR expects at least one scheduler, but got no scheduler."),
    "milestones": (on(lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [1])),
                   "number of schedulers 1 and the number of milestones to be equal to 1"),
    "sequence of others": (on(lambda s, o: s.SequentialLR(o, [3], [])),
                           "SequentialLR at index 0 should have `optimizer` as its attribute."),
    "plateau in a sequence": (on(lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], [])),
                              "SequentialLR does not support `ReduceLROnPlateau` scheduler"),
    "chain of none": (on(lambda s, o: s.ChainedScheduler([])),
                      "ChainedScheduler expects at least one scheduler to be chained"),
    "two optimizers": (lambda lib: schedulers(lib).ChainedScheduler(
                           [schedulers(lib).StepLR(start(lib), 1) for _ in range(2)]),
                       "expects all schedulers to belong to the same optimizer"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


def test_all_of_pytorch_s_schedulers_are_here():
    torch = pytorch()
    missing = set(torch.optim.lr_scheduler.__all__) - set(dir(lr_scheduler))
    assert not missing
