"""The gradients by hand: against differences, and against autograd."""

import numpy as np
import pytest

from .programs import load

pytestmark = pytest.mark.cpu("programs that run by themselves")


def test_gradients_by_hand_are_those_of_differences():
    program = load("min_char_rnn")
    weights = {
        name: 20 * weight + 0.1 for name, weight in program.initial_weights(4, 3, seed=0).items()
    }
    inputs, targets, h = [0, 1, 2, 2, 0], [1, 2, 2, 3, 1], np.full((3, 1), 0.3)

    def loss():
        return program.loss_and_gradients(inputs, targets, h, weights)[0]

    _, gradients, _ = program.loss_and_gradients(inputs, targets, h, weights)
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            before, step = weight[place], 1e-5
            weight[place] = before + step
            above = loss()
            weight[place] = before - step
            below = loss()
            weight[place] = before
            expected = (above - below) / (2 * step)
            assert gradients[name][place] == pytest.approx(expected, abs=1e-8), (name, place)


@pytest.mark.parametrize("run, count", [(["--iterations", "20"], 20), (["--hello"], 200)])
def test_both_ways_have_the_same_losses(run, count, tmp_path, capsys):
    """As long as rounding is not seen: what differs in the last digit grows in training."""
    program, out = load("min_char_rnn"), ["--out", str(tmp_path / "picture.png")]
    by_hand = program.main([*run, *out])
    autograd = program.main([*run, "--autograd", *out])
    assert len(by_hand) == count
    assert autograd == pytest.approx(by_hand, rel=1e-6)
    if "--hello" in run:
        assert capsys.readouterr().out.count('it writes "hello"') == 2


def test_it_learns_english(tmp_path):
    losses = load("min_char_rnn").main(
        ["--iterations", "800", "--hidden-size", "50", "--out", str(tmp_path / "picture.png")]
    )
    assert np.mean(losses[:10]) > 75 and np.mean(losses[-100:]) < 64
