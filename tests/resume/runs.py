"""Small runs of the main program, and what they have come to."""

import json

import tinygrad_rnn as torch
from tests.examples.programs import load

SMALL = [
    "--text", "sample", "--max-tokens", "800", "--hidden-size", "12", "--batch-size", "8",
    "--num-steps", "10", "--epochs", "5", "--no-progress",
]  # fmt: skip
STEPS = 9  # of an epoch
NEWEST, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"
KINDS = {
    "rnn": [],
    "lstm": ["--cell", "lstm", "--sampling", "random", "--optimizer", "adam", "--warmup", "30"],
    "gru": ["--cell", "gru", "--num-layers", "2"],
    "on a GPU": ["--device", "cuda", "--epochs", "2"],
}
RESUME = ["--resume", "--no-progress", "--epochs", "5"]


def quick_program():
    """Without pictures, which take longer than all the rest."""
    program = load("char_rnn")
    program.save_perplexities = lambda *_, **__: None
    return program


def ending(out):
    """All that a run has come to, but for the times it took."""
    state = torch.load(out / NEWEST)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics == state["history"]
    del state["seconds"], state["options"]
    del state["chance"]["cuda"]  # that of the CPU, as often as there are GPUs
    for record in state["history"]:
        assert record.pop("tokens_per_second") > 0
    return state


def assert_equal(one, two, place=""):
    assert type(one) is type(two), place
    if isinstance(one, torch.Tensor):
        assert one.dtype == two.dtype and torch.equal(one, two), place
    elif isinstance(one, dict):
        assert one.keys() == two.keys(), place
        for key in one:
            assert_equal(one[key], two[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(two), place
        for number, pair in enumerate(zip(one, two, strict=True)):
            assert_equal(*pair, f"{place}.{number}")
    else:
        assert one == two, place


def after_step(program, monkeypatch, number, act):
    """Call ``act(run)`` behind a step, counted from 1."""
    steps, count = program.Run.steps, 0

    def watched(self):
        nonlocal count
        for _ in steps(self):
            count += 1
            if count == number:
                act(self)
            yield

    monkeypatch.setattr(program.Run, "steps", watched)
