"""Each program at a small size: it learns, draws, and on PyTorch, with its import lines, it has the
same losses."""

import subprocess
import sys

import pytest

from tests.both import needs_torch

from .programs import EXAMPLES, load, write_for_torch

pytestmark = pytest.mark.cpu("programs that run by themselves")

TINY = "--text sample --max-tokens 400 --hidden-size 16 --batch-size 4 --num-steps 10 --epochs 3"
RUNS = {
    "rnn_scratch": TINY,
    "rnn_scratch random": f"{TINY} --sampling random",
    "rnn_concise": TINY,
    "gru_lstm_scratch": TINY,
    "gru_lstm_concise": TINY,
    "deep_bidirectional": TINY,
    "book_gru": f"{TINY} --num-layers 2",
    "lyrics": "--hidden-size 16 --epochs 3 --cell rnn",
    "lyrics concise": "--hidden-size 16 --epochs 3 --model concise",
    "names": "--hidden-size 16 --steps 60 --epochs 3 --held-out 0.5",
    "min_char_rnn": "--hidden-size 10 --iterations 30",
    "min_char_rnn autograd": "--hidden-size 10 --iterations 30 --autograd",
    "min_char_rnn hello": "--hello --autograd",
    "memory": "--length 6 --steps 40 --wave-steps 3 --hidden-size 8 --batch-size 4",
}
# PyTorch has no lengths=, and packs instead
CHANGES = {
    "self.rnn(x, lengths=lengths)": (
        "self.rnn(nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))"
    )
}
OURS_ALONE = {"book_gru"}  # nn.Cell


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    """The losses of a run, and its picture; each run is made once."""
    made = {}

    def of(run):
        if run not in made:
            picture = tmp_path_factory.mktemp("run") / "new folder" / "picture.png"
            program = load(run.split()[0])
            made[run] = program.main([*RUNS[run].split(), "--out", str(picture)]), picture
        return made[run]

    return of


@pytest.mark.parametrize("run", RUNS)
def test_it_learns_and_draws(run, losses):
    values, picture = losses(run)
    if run != "memory":  # whose losses are those of several models
        assert values[-1] < values[0]
    assert all(0 <= value < float("inf") for value in values)
    assert "hello" in run or picture.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def for_torch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    write_for_torch(folder, CHANGES)
    return folder


@needs_torch
@pytest.mark.parametrize("run", [run for run in RUNS if run not in OURS_ALONE])
def test_the_losses_are_those_of_pytorch(run, losses, for_torch, tmp_path):
    program = load(run.split()[0], for_torch)
    assert "tinygrad_rnn" not in getattr(program, "torch", program).__name__
    theirs = program.main([*RUNS[run].split(), "--out", str(tmp_path / "picture.png")])
    assert losses(run)[0] == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("name", sorted({run.split()[0] for run in RUNS}))
def test_help(name, capsys):
    program = load(name)
    with pytest.raises(SystemExit):
        program.main(["--help"])
    shown = capsys.readouterr().out
    assert program.__doc__.splitlines()[0] in shown and "--seed" in shown and "default: " in shown


def test_without_matplotlib_all_but_the_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    picture = tmp_path / "picture.png"
    assert load("rnn_concise").main([*TINY.split(), "--out", str(picture)])
    assert 'pip install "tinygrad-rnn[examples]"' in capsys.readouterr().err
    assert not picture.exists()


@pytest.mark.parametrize(
    "name, args, message",
    [
        ("rnn_scratch", ["--epochs", "0"], "--epochs"),
        ("rnn_scratch", ["--lr", "nan"], "--lr"),
        ("rnn_concise", ["--text", "nowhere.txt"], "nowhere.txt"),
        ("rnn_concise", ["--text", "sample", "--prefix", "明月"], "--prefix"),
        ("rnn_concise", ["--text", "sample", "--batch-size", "100000"], "batch_size"),
        ("lyrics", ["--cell", "cnn"], "cnn"),
        ("names", ["--data", "nowhere"], "nowhere"),
        ("memory", ["--length", "1"], "--length"),
        ("min_char_rnn", ["--seq-length", "100000"], "100000"),
    ],
)
def test_bad_input(name, args, message):
    with pytest.raises((ValueError, OSError), match=message):
        load(name).main(args)


def test_bad_input_is_one_line_and_exit_code_2(tmp_path):
    program = EXAMPLES / "rnn_concise.py"
    command = [sys.executable, str(program), "--text", "nowhere.txt"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={"PYTHONPATH": str(EXAMPLES.parent)},
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("rnn_concise.py: ") and result.stderr.count("\n") == 1
