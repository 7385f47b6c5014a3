"""The long trial that takes protections away, in short."""

from __future__ import annotations

import pytest

from stress import protections
from stress.protected import PROTECTIONS, Protection

pytestmark = pytest.mark.cpu("texts of the repository")


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda p: p.what)
def test_what_is_taken_away_is_there_once_and_so_are_its_tests(protection, repo):
    source = (repo / protection.file).read_text(encoding="utf-8")
    assert protections.taken_away(protection, source) != source
    for name in protection.tests.split():
        file, _, test = name.partition("::")
        assert (repo / file).is_file() and f"def {test}" in (repo / file).read_text("utf-8")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one module, whose test watches the first of its three lines."""
    (tmp_path / "lib.py").write_text("one = 1\ntwo = 2\nthree = 3\n")
    (tmp_path / "test_lib.py").write_text("import lib\ndef test_one():\n    assert lib.one == 1\n")
    monkeypatch.setattr(protections, "ROOT", tmp_path)
    monkeypatch.setattr(protections, "PARTS", ("lib.py", "test_lib.py"))
    return tmp_path


def run(monkeypatch, *changes):
    table = [Protection(a, "lib.py", a, b, "test_lib.py") for a, b in changes]
    monkeypatch.setattr(protections, "PROTECTIONS", table)
    return protections.main([])


def test_what_is_watched(project, monkeypatch, capsys):
    assert run(monkeypatch, ("one = 1", "one = 0")) == 0
    assert "| 1 of 1 | all | ok |" in capsys.readouterr().out


def test_what_is_not_watched_what_is_gone_and_what_breaks_all(project, monkeypatch, capsys):
    assert run(monkeypatch, ("two = 2", "two = 0"), ("four", "five"), ("three", "three three")) == 1
    shown = capsys.readouterr().out
    assert "two = 2 (lib.py): pass\n" in shown and "lib.py has 0 times: four" in shown
    assert "SyntaxError" in shown and "| 0 of 3 | all | FAILED |" in shown
    assert (project / "lib.py").read_text() == "one = 1\ntwo = 2\nthree = 3\n"


def test_tests_must_pass_at_first(project, monkeypatch, capsys):
    (project / "lib.py").write_text("one = 0\n")
    assert run(monkeypatch, ("one = 0", "one = 1")) == 1
    assert "with all protections, test_lib.py: fail" in capsys.readouterr().out
