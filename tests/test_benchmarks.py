"""The benchmark suite: it runs from end to end, and notices libraries that compute different
things. No test here looks at a time."""

import importlib.util
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

import tinygrad_rnn
from benchmarks import case, cases, gpu, layers, with_numpy
from benchmarks.__main__ import main, parse, run_worker
from benchmarks.small import installed_megabytes

pytest.importorskip("matplotlib")

pytestmark = pytest.mark.cpu("programs that run by themselves")


def result(cost=1.0, loss=2.0):
    return {"version": "1", "cost": cost, "loss": loss, "peak": 1.0, "updates": 3}


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Every peer counts as installed: most tests run none of them."""
    find = importlib.util.find_spec

    def found(name, package=None):
        return True if name in ("torch", "jax") else find(name, package)

    monkeypatch.setattr("importlib.util.find_spec", found)


def suite(tmp_path, run, *options, peers=("torch",)):
    """The exit status of a run whose workers answer as `run` says, and its JSON."""
    path = tmp_path / "results" / "it.json"
    status = main(["--json", str(path), "--peer", *peers, *options], run=run)
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    return status, json.loads(path.read_text())


# ----- from end to end -----


def test_two_cases_in_processes(tmp_path, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "it.json"
    options = ["--only", "small", "--quick", "--rounds", "1", "--threads", "1"]
    assert main([*options, "--json", str(path)]) == 0
    written = json.loads(path.read_text())
    assert [row["case"] for row in written["rows"]] == ["small-op", "small-backward"]
    assert (written["threads"], written["rounds"], written["quick"]) == (1, 1, True)
    assert written["machine"]["processors"] >= 1 and not written["failures"]
    for row in written["rows"]:
        assert row["losses_agree"] and row["peer"] == "torch" and row["unit"] == "operations/s"
        assert row["ratio_range"] == [row["ratio"], row["ratio"]] and row["ratio"] > 0
        for library in (row["ours"], row["theirs"]):
            assert library["value"] > 0 and library["peak_megabytes"] >= 0
            assert len(library["costs"]) == len(library["losses"]) == 1
            assert library["updates"] == 5 + case.WARMUP
        assert row["ours"]["losses"] == pytest.approx(row["theirs"]["losses"], rel=1e-4)
        assert row["ours"]["version"] == tinygrad_rnn.__version__
    assert "small-backward" in capsys.readouterr().out


def test_a_case_that_fails_is_told_and_the_others_run(tmp_path, capsys, monkeypatch):
    broken = case.Case("small-unknown", "a case that workers do not know", lambda torch: float)
    monkeypatch.setitem(cases.CASES, broken.name, broken)
    options = ["--only", "small-unknown", "--quick", "--rounds", "1"]
    assert main([*options, "--json", str(tmp_path / "it.json")]) == 1
    assert "FAILED small-unknown: KeyError" in capsys.readouterr().out
    assert json.loads((tmp_path / "it.json").read_text())["failures"]


# ----- what a row says -----


def test_libraries_take_turns_and_ratios_are_of_medians(tmp_path):
    order = []
    costs = {"tinygrad_rnn": iter([1.0, 2.0, 4.0]), "torch": iter([3.0, 4.0, 4.0])}

    def run(case, library, args):
        order.append(library)
        return result(next(costs[library]))

    status, written = suite(tmp_path, run, "--only", "lenet", "--rounds", "3")
    (row,) = written["rows"]
    assert status == 0 and order == ["tinygrad_rnn", "torch"] * 3
    assert (row["ratio"], row["ratio_range"]) == (4 / 2, [1, 3])
    assert (row["ours"]["value"], row["theirs"]["value"]) == (1 / 2, 1 / 4)


def test_kernels_side_by_side(tmp_path, capsys):
    costs = {"tinygrad_rnn": 1.0, "tinygrad_rnn+numpy": 2.0, "torch": 3.0}
    run = lambda case, library, args: result(costs[library])  # noqa: E731
    options = ["--only", "lenet", "--rounds", "2", "--kernels", "auto", "numpy"]
    _, written = suite(tmp_path, run, *options)
    assert [(row["kernels"], row["ratio"]) for row in written["rows"]] == [
        ("auto", 3),
        ("numpy", 1.5),
    ]
    assert "torch, with NumPy " in capsys.readouterr().out


def test_kernels_reach_the_worker(monkeypatch):
    pytest.importorskip("torch")
    args = parse(["--quick", "--threads", "1"])
    found = {}

    def started(command, env, **options):
        found[command[4]] = env.get("TINYGRAD_RNN_KERNELS")
        return subprocess.CompletedProcess(command, 0, "{}")

    monkeypatch.delenv("TINYGRAD_RNN_KERNELS", raising=False)
    monkeypatch.setattr("subprocess.run", started)
    for library in ("tinygrad_rnn", "tinygrad_rnn+numpy"):
        run_worker(cases.CASES["lenet"], library, args)
        assert found == {"tinygrad_rnn": "numpy" if "+" in library else None}


@pytest.mark.parametrize("wrong", [2.0 * (1 + 2e-4), 0.0, math.nan])
def test_a_different_loss_is_no_ratio(tmp_path, capsys, wrong):
    def run(case, library, args):
        differs = case.name == "gru-128" and library == "torch"
        return result(loss=wrong if differs else 2.0)

    status, written = suite(tmp_path, run, "--only", "128", "--rounds", "2")
    assert status == 1
    for row in written["rows"]:
        assert row["losses_agree"] == (row["case"] != "gru-128") == (row["ratio"] is not None)
    printed = capsys.readouterr().out
    assert "THE LOSSES DIFFER" in printed and "no ratio: gru-128\n" in printed


def test_other_peers_run_what_they_have(tmp_path):
    run = lambda case, library, args: result()  # noqa: E731
    _, written = suite(tmp_path, run, "--only", "512", "--rounds", "1", peers=("jax", "numpy"))
    asked = {(row["case"], row["peer"]) for row in written["rows"]}
    assert asked == {(f"{m}-512", p) for m in ("rnn", "gru", "lstm") for p in ("jax", "numpy")}


def test_share_of_the_machine(tmp_path, capsys):
    shares = iter([0.5, 0.9, 0.25, 0.3, 0.75, 0.3])
    run = lambda *_: result() | {"of_machine": next(shares)}  # noqa: E731
    _, written = suite(tmp_path, run, "--only", "lstm-512", "--rounds", "3")
    (row,) = written["rows"]
    assert (row["ours"]["of_machine"], row["theirs"]["of_machine"]) == (0.5, 0.3)
    assert " 50      30 " in capsys.readouterr().out
    _, written = suite(tmp_path, lambda *_: result(), "--only", "lenet", "--rounds", "1")
    assert written["rows"][0]["ours"]["of_machine"] is None


def test_operations_of_a_training_step():
    """Each weight takes part in a product forward, and in one for its own gradient; those that
    something to be trained lies behind, in a third."""
    for mode, rows in (("RNN", 9), ("GRU", 27), ("LSTM", 36)):
        sizes = case.Sizes(mode, hidden=9, steps=6, batch=4, features=5)
        w_ih, w_hh, head = rows * 5, rows * 9, 5 * 9
        assert sizes.operations == 2 * 6 * 4 * (2 * w_ih + 3 * w_hh + 3 * head)


def test_growth_draws_a_line_for_each_layer(tmp_path):
    status, written = suite(tmp_path, lambda *_: result(), "--growth", "--rounds", "1")
    assert status == 0 and len(written["rows"]) == 3 * sum(map(len, layers.AXES.values()))


@pytest.mark.parametrize(
    "options, message",
    [
        (["--rounds", "0"], "--rounds: expected a positive number, got 0"),
        (["--threads", "-1"], "--threads: expected a positive number, got -1"),
        (["--only", "nonsense"], "--only nonsense: no case has this in its name"),
        (["--peer", "jax"], "--peer jax: it is not installed"),
    ],
)
def test_bad_options(options, message, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jax" else True)
    with pytest.raises(SystemExit, match="2"):
        parse(options if "--peer" in options else [*options, "--peer", "torch"])
    assert message in capsys.readouterr().err


def test_list_shows_all(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(cases.CASES)


# ----- the programs compute the same -----


def libraries():
    torch = pytest.importorskip("torch")
    return tinygrad_rnn, torch


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_layers_and_gradients_by_hand_learn_alike(mode):
    sizes = case.Sizes(mode, hidden=9, steps=6, batch=4, features=5)
    updates = [layers.stock(sizes)(library) for library in libraries()]
    updates.append(with_numpy.program(sizes))
    losses = [[update() for _ in range(8)] for update in updates]
    assert losses[0][-1] < losses[0][0] - 0.005
    np.testing.assert_allclose(losses[:2], [losses[2]] * 2, rtol=1e-5)


@pytest.mark.parametrize("mode", ["RNN", "GRU", "LSTM"])
def test_jax_learns_alike(mode):
    pytest.importorskip("jax")
    from benchmarks import with_jax

    sizes = case.Sizes(mode, hidden=9, steps=6, batch=4, features=5)
    theirs, ours = with_jax.program(sizes), layers.stock(sizes)(tinygrad_rnn)
    np.testing.assert_allclose([theirs() for _ in range(8)], [ours() for _ in range(8)], rtol=1e-5)


@pytest.mark.parametrize(
    "build", [layers.ragged, layers.own_cell, layers.layer_norm, layers.checkpointed]
)
def test_both_ways_to_write_it_learn_alike(build):
    program = build(case.Sizes("LSTM", hidden=9, steps=8, batch=4, features=5))
    ours, theirs = ([update() for _ in range(8)] for update in map(program, libraries()))
    assert ours[-1] < ours[0] - 0.0005
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_installed_size_counts_what_is_required():
    sources = Path(tinygrad_rnn.__file__).parent.rglob("*.py")
    package = sum(file.stat().st_size for file in sources) / 1e6
    assert installed_megabytes("tinygrad_rnn") > package + installed_megabytes("numpy") > 10


# ----- on a GPU -----


def test_steps_on_a_gpu(monkeypatch):
    """On the stand-in: the figures mean nothing, but the losses must agree."""
    monkeypatch.setattr(gpu, "WARMUP", 5)
    monkeypatch.setattr(gpu, "GROUPS", 2)
    sizes = case.Sizes("GRU", 16, 5, 4)
    results = [gpu.measure(sizes, name, 2) for name in ("tinygrad_rnn", "tinygrad_rnn+eager")]
    for found in results:
        assert found["updates"] == 9 and found["cost"] > 0 and found["peak"] > 0 and found["gpu"]
        assert ", CuPy " in found["version"] and ", CUDA " in found["version"]
    assert results[0]["loss"] == results[1]["loss"]


def test_gpu_runs_have_their_own_cases_and_peers(tmp_path, capsys):
    status, written = suite(
        tmp_path, lambda c, library, args: result() | {"gpu": "H"}, "--device", "cuda", "--only",
        "lstm-512", "--rounds", "1", peers=("torch+graph", "tinygrad_rnn+eager"),
    )  # fmt: skip
    assert status == 0 and written["device"] == "cuda" and written["gpu"] == "H"
    assert [(row["case"], row["peer"]) for row in written["rows"]] == [
        (name, peer)
        for name in ("lstm-512", "lstm-512-steps-1000")
        for peer in ("torch+graph", "tinygrad_rnn+eager")
    ]
    assert written["command"].startswith("python -m benchmarks ")
    assert " --device cuda --only lstm-512 " in written["command"]
    assert parse(["--device", "cuda"]).peer == [p for p in gpu.PEERS if "jax" not in p]
    for wrong in (["--peer", "torch+graph"], ["--device", "cuda", "--peer", "numpy"],
                  ["--device", "cuda", "--growth"]):  # fmt: skip
        with pytest.raises(SystemExit):
            parse(wrong)
    assert "with --device cpu there are torch, jax, numpy" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["jax", "jax+tf32"])
def test_steps_of_jax_as_on_a_gpu(library, monkeypatch):
    """The losses of this library on the stand-in; nobody waits for one inside a group."""
    pytest.importorskip("jax")
    monkeypatch.setattr(gpu, "WARMUP", 5)
    monkeypatch.setattr(gpu, "GROUPS", 2)
    sizes = case.Sizes("GRU", 16, 5, 4)
    found, ours = gpu.measure(sizes, library, 2), gpu.measure(sizes, "tinygrad_rnn", 2)
    assert found["updates"] == 9 and found["cost"] > 0
    assert found["loss"] == pytest.approx(ours["loss"], rel=1e-4)
