"""The main program stopped, killed, and continued: it ends as if that had never been."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import tinygrad_rnn as torch
from tests.conftest import REPO
from tests.examples.programs import EXAMPLES

from .runs import (
    KINDS,
    NEWEST,
    PREVIOUS,
    RESUME,
    SMALL,
    STEPS,
    after_step,
    assert_equal,
    ending,
    quick_program,
)

pytestmark = pytest.mark.cpu("programs that run by themselves")

# ----- stopped -----


@pytest.mark.parametrize(
    "kind, step",
    [
        ("rnn", 1), ("rnn", 5), ("rnn", STEPS), ("rnn", STEPS + 1), ("rnn", 5 * STEPS),
        ("lstm", 5), ("lstm", 3 * STEPS), ("gru", 2), ("gru", 3 * STEPS + 4), ("on a GPU", 5),
    ],
)  # fmt: skip
def test_stopped_behind_any_step_and_resumed(
    kind, step, straight, program, monkeypatch, tmp_path, capsys
):
    name, number, status = random.Random(step).choice(
        [("Ctrl-C", signal.SIGINT, 130), ("SIGTERM", signal.SIGTERM, 143)]
    )
    handler = signal.getsignal(number)
    out = ["--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        after_step(program, patch, step, lambda _: signal.raise_signal(number))
        assert program.main([*SMALL, *KINDS[kind], *out]) == status
    assert f"stopped by {name} before epoch {(step - 1) // STEPS + 1}" in capsys.readouterr().out
    assert signal.getsignal(number) is handler
    for _ in range(40):  # other draws than those of the run
        random.random()
        torch.rand(3)
    assert program.main([*out, "--resume", "--no-progress"]) == 0
    assert "going on with epoch" in capsys.readouterr().out
    assert_equal(ending(tmp_path), straight(kind))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [
    "generate", "Folder.save", "Folder.show", "nn.utils.clip_grad_norm_", "optim.SGD.step",
    "text.SequenceLoader.__iter__",
])  # fmt: skip
def test_stopped_in_the_middle_of_something(
    moment, number, straight, program, monkeypatch, tmp_path, capsys
):
    """What is begun is finished, whatever it is."""
    *path, name = moment.split(".")
    place = program
    for part in path:
        place = getattr(place, part)
    function, calls = getattr(place, name), 0

    def call(*args, **options):
        nonlocal calls
        calls += 1
        if calls == 2:
            signal.raise_signal(number)
        return function(*args, **options)

    out = ["--checkpoint-every", "1", "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, call)
        assert program.main([*SMALL, *out]) == 128 + number
    assert calls >= 2 and "stopped by" in capsys.readouterr().out
    assert program.main([*out, "--resume", "--no-progress"]) == 0
    assert_equal(ending(tmp_path), straight("rnn"))


def test_stopped_again_and_again(straight, program, monkeypatch, tmp_path):
    command = [*SMALL, "--out", str(tmp_path), "--resume"]  # there is nothing to resume at first
    with monkeypatch.context() as patch:
        patch.setattr(program.Stop, "asked", True)
        for _ in range(2 * STEPS):  # a step each
            program.main(command)
            patch.undo()
            after_step(program, patch, 1, lambda _: signal.raise_signal(signal.SIGINT))
    assert program.main(command) == 0
    assert_equal(ending(tmp_path), straight("rnn"))


@pytest.mark.parametrize("gpus", [0, 1])
def test_what_is_drawn_on_the_way(gpus, program, monkeypatch, tmp_path):
    """As dropout would, or a shuffled data set."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    drawn = []
    steps = program.Run.steps

    def drawing(self):
        for _ in steps(self):
            drawn.append((random.random(), torch.rand(1).item()))
            if len(drawn) in stops:
                signal.raise_signal(signal.SIGINT)
            yield

    monkeypatch.setattr(program.Run, "steps", drawing)
    stops = ()
    assert program.main([*SMALL, "--out", str(tmp_path / "straight")]) == 0
    straight = drawn.copy()
    drawn.clear()
    stops = (1, 12)
    for status in (130, 130, 0):
        assert program.main([*SMALL, "--out", str(tmp_path / "stopped"), "--resume"]) == status
    assert drawn == straight
    assert_equal(ending(tmp_path / "stopped"), ending(tmp_path / "straight"))


def test_a_second_signal_ends_at_once(interruptible):
    script = """
import os, signal, sys
from lasting import Stop
with Stop() as stop:
    signal.raise_signal(signal.SIGTERM)
    print(stop.asked, stop.name, stop.status, flush=True)
    signal.raise_signal(signal.SIGINT)
print("not at once")
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": f"{EXAMPLES}{os.pathsep}{REPO}"},
    )  # fmt: skip
    assert (result.stdout, result.stderr) == ("True SIGTERM 143\n", "")
    assert result.returncode == -signal.SIGINT


# ----- killed -----


def test_killed_at_any_moment(straight, tmp_path):
    """kill -9 of the real program, a few times; `python -m stress resume` does it often."""
    command = [
        sys.executable, str(EXAMPLES / "char_rnn.py"), *SMALL, "--checkpoint-every", "1",
        "--resume", "--out", str(tmp_path),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONUNBUFFERED": "1"}
    moments = random.Random(0)
    for _ in range(2):
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            process.stdout.readline()  # it has begun
            time.sleep(moments.uniform(0, 0.06))
            process.kill()
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert_equal(ending(tmp_path), straight("rnn"))
    assert sorted(os.listdir(tmp_path)) == [PREVIOUS, NEWEST, "metrics.json", "perplexity.png"]


# ----- options -----


@pytest.mark.parametrize(
    "options, message",
    [
        (["--lr", "0.5"], "--lr: the run was begun with 1.0"),
        (["--hidden-size", "13"], "--hidden-size: the run was begun with 12"),
        (["--cell", "gru"], "--cell"),
        (["--seed", "1"], "--seed"),
        (["--text", "time-machine"], "--text"),
        (["--max-tokens", "-1"], "--max-tokens"),
        (["--sampling", "random"], "--sampling"),
        (["--optimizer", "adam"], "--optimizer"),
        (["--warmup", "2"], "--warmup: the run was begun with 1"),
        (["--epochs", "2"], "--epochs: 3 are done"),
    ],
)
def test_an_option_that_contradicts(options, message, program, saved, capsys):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    assert program.main(["--resume", "--no-progress", "--out", str(saved), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_the_same_options_and_those_that_may_change(program, saved, straight):
    same = [*SMALL, "--lr", "1", "--out", str(saved), "--resume"]
    assert program.main([*same, "--prefix", "the", "--checkpoint-every", "3"]) == 0
    assert_equal(ending(saved), straight("rnn"))
    assert torch.load(saved / NEWEST)["options"]["checkpoint_every"] == 3


def test_a_run_that_is_done_stays_as_it_is(program, straight, tmp_path):
    assert program.main([*SMALL, "--out", str(tmp_path)]) == 0
    assert program.main(["--out", str(tmp_path), "--resume", "--no-progress"]) == 0
    assert_equal(ending(tmp_path), straight("rnn"))


def test_another_text_under_the_same_name(program, tmp_path, capsys):
    poem = tmp_path / "poem.txt"
    poem.write_text("one two three four " * 60)
    options = [*SMALL, "--text", str(poem), "--out", str(tmp_path)]
    assert program.main(options) == 0
    poem.write_text("one two four three " * 60)  # the same vocabulary
    assert quick_program().main([*options, "--resume"]) == 2
    assert "poem.txt is not the text that the run began with" in capsys.readouterr().err


def test_a_run_of_a_version_without_schedules(program, saved, straight):
    state = torch.load(saved / NEWEST)
    del state["scheduler"], state["options"]["warmup"]
    for group in state["optimizer"]["param_groups"]:
        del group["initial_lr"]
    torch.save(state, saved / NEWEST)
    assert program.main([*RESUME, "--out", str(saved)]) == 0
    end, expected = ending(saved), {**straight("rnn")}
    for part in ("scheduler", "optimizer"):  # its count of steps begins anew, and has no effect
        del end[part], expected[part]
    assert_equal(end, expected)


def test_checkpoints_of_earlier_versions(program, saved, capsys):
    """They have the weights, the vocabulary, and three options: enough to write."""
    state = torch.load(saved / NEWEST)
    kept = {name: state[name] for name in ("model", "vocabulary", "epoch")}
    names = ("cell", "hidden_size", "num_layers", "text")
    kept["options"] = {name: state["options"][name] for name in names}
    torch.save(kept, saved / "old.safetensors")
    capsys.readouterr()
    for name in (NEWEST, "old.safetensors"):
        assert (
            program.main(["--generate", str(saved / name), "--prefix", "the", "--seed", "1"]) == 0
        )
    new, old = capsys.readouterr().out.splitlines()
    assert new == old and new.startswith("the")
    os.replace(saved / "old.safetensors", saved / NEWEST)
    assert program.main(["--resume", "--out", str(saved)]) == 2
    assert "earlier version" in capsys.readouterr().err
