"""Checkpoints that are damaged or can't be written, and losses that are no numbers."""

import errno
import math
import os
import signal
import subprocess
import sys

import pytest

import tinygrad_rnn as torch
from tests.conftest import REPO
from tests.examples.programs import EXAMPLES, load

from .runs import (
    NEWEST,
    PREVIOUS,
    RESUME,
    SMALL,
    STEPS,
    after_step,
    assert_equal,
    ending,
)

pytestmark = pytest.mark.cpu("programs that run by themselves")

# ----- damaged, full, gone -----


def damage(path, how):
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 16
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(how, program, saved, straight, capsys):
    out = ["--out", str(saved)]
    damage(saved / NEWEST, how)
    capsys.readouterr()
    assert program.main([*RESUME, *out]) == 0
    shown = capsys.readouterr()
    assert "going on with epoch 3, step 1" in shown.out
    assert (
        shown.err.count("\n") == 1 and f"Taking the one before it, {saved / PREVIOUS}" in shown.err
    )
    assert NEWEST in shown.err and ("not there" in shown.err) == (how == "gone")
    assert_equal(ending(saved), straight("rnn"))


def test_a_damaged_checkpoint_never_takes_the_place_of_a_whole_one(program, tmp_path, monkeypatch):
    checkpoints = program.Checkpoints(tmp_path)
    checkpoints.save({"epoch": 1})
    checkpoints.save({"epoch": 2})
    damage(checkpoints.newest, "cut")
    checkpoints = program.Checkpoints(tmp_path)
    assert checkpoints.load() == {"epoch": 1}
    replace = os.replace

    def full(source, target):
        if target == checkpoints.newest:
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(RuntimeError, match="can't write the checkpoint: "):
            checkpoints.save({"epoch": 3})
    assert program.Checkpoints(tmp_path).load() == {"epoch": 1}
    checkpoints.save({"epoch": 3})
    checkpoints.save({"epoch": 4})
    assert torch.load(checkpoints.previous) == {"epoch": 3}
    assert torch.load(checkpoints.newest) == {"epoch": 4}


def test_a_whole_checkpoint_is_taken_whatever_the_other_is(program, saved, straight, capsys):
    damage(saved / PREVIOUS, "cut")
    assert program.main([*RESUME, "--out", str(saved)]) == 0
    shown = capsys.readouterr()
    assert "going on with epoch 4" in shown.out and shown.err == ""
    assert_equal(ending(saved), straight("rnn"))


def test_two_damaged_checkpoints_are_an_error(program, saved, capsys):
    damage(saved / NEWEST, "cut")
    damage(saved / PREVIOUS, "flipped")
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    assert program.main([*RESUME, "--out", str(saved)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and NEWEST in shown and PREVIOUS in shown
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


@pytest.mark.parametrize("limit", [2_000, 9_000])
def test_when_no_checkpoint_can_be_written_the_last_one_stays(limit, saved, straight, program):
    """A limit of the size of files, as a full disk: it stops the run, which goes on later."""
    resource = pytest.importorskip("resource")
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / "char_rnn.py"), *RESUME, "--out", str(saved)],
        env={**os.environ, "PYTHONPATH": str(REPO)}, capture_output=True, text=True, timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("char_rnn.py: can't write the checkpoint: ")
    assert "File too large" in result.stderr and f"{saved / NEWEST} is as it was" in result.stderr
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert program.main([*RESUME, "--out", str(saved)]) == 0
    assert_equal(ending(saved), straight("rnn"))


def test_a_folder_that_cant_be_written_to_is_found_at_once(program, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert program.main([*SMALL, "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert "can't write into this folder" in shown.err and str(tmp_path / "out") in shown.err
    assert shown.out == ""


def test_metrics_and_pictures_stay_whole_when_the_disk_is_full(tmp_path, monkeypatch):
    program = load("char_rnn")
    folder = program.Folder(program.parse(SMALL), program.Checkpoints(tmp_path))
    folder.show([{"perplexity": 9.0}, {"perplexity": 3.0}])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert before.keys() == {"metrics.json", "perplexity.png"}

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        folder.show([{"perplexity": 8.0}])
    with pytest.raises(OSError, match="No space left on device"):
        program.save_perplexities(folder.picture, {"RNN": [8.0, 2.0]}, quiet=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_run_left_half_written_is_removed(program, saved):
    files = sorted(os.listdir(saved))
    left = "0123456789abcdef"
    for name in (NEWEST.replace(".", ".coming.", 1), PREVIOUS, "metrics.json", "perplexity.png"):
        (saved / f".{name}.{left}").write_bytes(b"half")
    (saved / "checkpoint.coming.safetensors").write_bytes(b"half")
    program.Folder(program.parse(SMALL), program.Checkpoints(saved))
    assert sorted(os.listdir(saved)) == files


# ----- a loss that is no number -----


def test_a_nan_stops_the_run_and_says_where(program, monkeypatch, tmp_path, capsys):
    def spoil(run):
        with torch.no_grad():
            run.model.head.weight.fill_(3e38)  # the next scores overflow

    after_step(program, monkeypatch, 2 * STEPS + 3, spoil)
    options = [*SMALL, "--checkpoint-every", "1", "--out", str(tmp_path)]
    assert program.main(options) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    place = "epoch 3, step 4: the loss is nan, first seen in the output of model.head, time step 0"
    assert place in error
    good = f"the checkpoint in {tmp_path} is of epoch 3, step 1"
    assert good in error
    state = torch.load(tmp_path / NEWEST)
    assert state["epoch"] == 2
    assert all(bool(weight.isfinite().all()) for weight in state["model"].values())
    assert torch.load(tmp_path / PREVIOUS)["epoch"] == 1
    after_step(program, monkeypatch, 1, spoil)
    assert program.main(["--resume", "--no-progress", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "epoch 3, step 2: the loss is nan" in error and good in error


@pytest.mark.parametrize("step", [2 * STEPS, 2 * STEPS + 3, 5 * STEPS])
def test_what_an_infinite_gradient_leaves_is_not_saved(
    step, program, straight, monkeypatch, tmp_path, capsys
):
    """The loss before it is finite: at the end of an epoch, where Ctrl-C comes, and of the run."""

    def spoil(run):  # what clipping makes of the gradient
        with torch.no_grad():
            run.model.rnn.weight_hh_l0[0, 0] = math.nan
        if step == 2 * STEPS + 3:
            signal.raise_signal(signal.SIGINT)

    options = [*SMALL, "--checkpoint-every", "1", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        after_step(program, patch, step, spoil)
        assert program.main(options) == 1
    error = capsys.readouterr().err
    assert "the parameter model.rnn.weight_hh_l0 is not finite; the checkpoint in" in error
    assert f"char_rnn.py: before epoch {step // STEPS + 1}, step {step % STEPS + 1}: " in error
    for name in (NEWEST, PREVIOUS)[: step // STEPS - 1 + bool(step % STEPS)]:
        state = torch.load(tmp_path / name)
        assert all(bool(weight.isfinite().all()) for weight in state["model"].values())
    assert program.main([*RESUME, "--out", str(tmp_path)]) == 0
    assert_equal(ending(tmp_path), straight("rnn"))


def test_a_nan_before_the_first_checkpoint(program, tmp_path, capsys):
    assert program.main([*SMALL, "--lr", "3e38", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "epoch 1, step 2: the loss is " in error and "no checkpoint was saved" in error
    assert not (tmp_path / NEWEST).exists()


def test_the_state_in_which_it_comes_up(program, monkeypatch, tmp_path, capsys):
    def spoil(run):
        n = run.model.rnn.weight_hh_l0.chunk(3)[2]
        r_bias, _, n_bias = run.model.rnn.bias_ih_l0.chunk(3)
        with torch.no_grad():
            r_bias.fill_(-3e38)  # the reset gate is 0,
            n_bias.fill_(100.0)  # the first state at least 0.5,
            n.fill_(3e38)  # and what the gate is to weaken infinite: 0 * inf is nan

    after_step(program, monkeypatch, 5, spoil)
    options = [*SMALL, "--cell", "gru", "--sampling", "random", "--out", str(tmp_path)]
    assert program.main(options) == 1
    error = capsys.readouterr().err
    assert "first seen in the state of model.rnn, layer 0, time step 1" in error


def test_a_loss_of_one_character(program):
    model = program.CharModel("rnn", 4, 3, 1)
    inputs, labels = torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 1]])
    losses = program.Losses(model)(inputs, labels, None)
    assert losses.shape == (3, 1) and math.isfinite(losses.sum().item())
    scores, _ = model(inputs)
    expected = [-scores[t, 0].log_softmax(0)[label].item() for t, label in enumerate([2, 3, 1])]
    assert losses[:, 0].tolist() == pytest.approx(expected)
