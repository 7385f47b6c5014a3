"""The main program, run as a user runs it, at a small size."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .examples.programs import load

pytestmark = pytest.mark.cpu("programs that run by themselves")

ROOT = Path(__file__).parents[1]
SMALL = ["--text", "sample", "--hidden-size", "32", "--epochs", "3", "--max-tokens", "3000"]


def run(*args, cwd, env=None, **options):
    """The finished process of the program with these arguments."""
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "char_rnn.py"), *map(str, args)],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True, text=True, timeout=300, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    result = run(*SMALL, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_what_it_prints(trained):
    _, result = trained
    lines = result.stdout.splitlines()
    assert any(line.startswith("perplexity ") and "tokens/sec on cpu" in line for line in lines)
    assert any(line.startswith("time traveller") for line in lines)
    assert any(line.startswith("traveller") for line in lines)
    assert "perplexity" in result.stderr and "tokens/s" in result.stderr  # the progress bar


def test_what_it_writes(trained):
    folder, _ = trained
    out = folder / "runs" / "char_rnn"
    assert sorted(p.name for p in out.iterdir()) == [
        "checkpoint.safetensors", "metrics.json", "perplexity.png",
    ]  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert [m["epoch"] for m in metrics] == [1, 2, 3]
    assert set(metrics[0]) == {"epoch", "perplexity", "tokens_per_second"}
    assert metrics[-1]["perplexity"] < metrics[0]["perplexity"] < 28
    assert (out / "perplexity.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_is_the_same_run(trained, tmp_path):
    folder, _ = trained
    run(*SMALL, "--no-progress", cwd=tmp_path)
    one, two = (
        [m["perplexity"] for m in json.loads((f / "runs/char_rnn/metrics.json").read_text())]
        for f in (folder, tmp_path)
    )
    assert one == two


def test_generate(trained):
    folder, _ = trained
    checkpoint = folder / "runs/char_rnn/checkpoint.safetensors"
    result = run("--generate", checkpoint, "--prefix", "the ", "--length", "12", cwd=folder)
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith("the ") and len(result.stdout.rstrip("\n")) == 16
    drawn = [
        run("--generate", checkpoint, "--temperature", "2", "--seed", s, cwd=folder).stdout
        for s in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    "options",
    [
        ["--cell", "gru", "--num-layers", "2"],
        ["--cell", "lstm", "--sampling", "random", "--optimizer", "adam"],
        ["--max-tokens", "-1", "--epochs", "1", "--lr", "0.5", "--clip", "5"],
    ],
)
def test_options(options, tmp_path):
    result = run(*SMALL, *options, "--no-progress", "--out", tmp_path / "o", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert (tmp_path / "o" / "checkpoint.safetensors").exists()


def test_any_utf8_text(tmp_path):
    poem = tmp_path / "poem.txt"
    poem.write_text("床前明月光,疑是地上霜。\n举头望明月,低头思故乡。\n" * 20, encoding="utf-8")
    result = run(
        "--text", poem, "--batch-size", 4, "--num-steps", 5, "--epochs", 2, "--hidden-size", 16,
        "--no-progress", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "床前明月光" in result.stdout


def test_without_network_it_trains_on_the_packaged_text(tmp_path):
    env = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"), "TINYGRAD_RNN_DATA": "",
        "http_proxy": "http://127.0.0.1:9", "no_proxy": "",
    }  # fmt: skip
    result = run("--epochs", 1, "--hidden-size", 8, "--no-progress", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert len(result.stderr.splitlines()) == 1 and "could not download" in result.stderr
    assert "perplexity" in result.stdout


@pytest.mark.parametrize(
    "args, message",
    [
        (["--text", "nowhere.txt"], "nowhere.txt"),
        (["--text", "empty.txt"], "empty"),
        (["--text", "short.txt"], "too few"),
        (["--text", "latin.txt"], "latin.txt"),
        (["--text", "sample", "--batch-size", "100000"], "batch"),
        (["--text", "sample", "--device", "tpu"], "tpu"),
        (["--text", "sample", "--epochs", "0"], "epochs"),
        (["--text", "sample", "--lr", "nan"], "lr"),
        (["--text", "sample", "--checkpoint-every", "0"], "checkpoint-every"),
        (["--temperature", "nan", "--generate", "short.txt"], "temperature"),
        (["--text", "sample", "--cell", "cnn"], "cnn"),
        (["--generate", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--generate", "short.txt"], "short.txt"),
        (["--text", "sample", "--out", "short.txt/x"], "short.txt"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args, message, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "short.txt").write_text("too short")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " * 100)
    result = run(*args, "--no-progress", cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process")
def test_ctrl_c_saves_and_ends_cleanly(tmp_path, interruptible):
    checkpoint, metrics = (
        tmp_path / "runs/char_rnn" / name for name in ("checkpoint.safetensors", "metrics.json")
    )
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "char_rnn.py"), "--text", "sample",
         "--hidden-size", "16", "--epochs", "100000", "--checkpoint-every", "2", "--no-progress"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not checkpoint.exists() and process.poll() is None:  # it is on its way
        time.sleep(0.01)
    assert not metrics.exists()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130 and err == ""
    assert "stopped by Ctrl-C" in out
    assert len(json.loads(metrics.read_text())) >= 2
    assert checkpoint.exists()


def test_help():
    result = run("--help", cwd=ROOT)
    assert result.returncode == 0 and "--temperature" in result.stdout


def test_it_imports_as_a_module():
    assert callable(load("char_rnn").main)
