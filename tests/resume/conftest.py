"""The main program, small runs of it, and how they end that nobody stops."""

import pytest

from .runs import KINDS, SMALL, ending, quick_program


@pytest.fixture(autouse=True)
def _standard_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program():
    return quick_program()


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """How runs of each kind end that nobody stops; each is made once."""
    made = {}

    def of(kind):
        if kind not in made:
            out = tmp_path_factory.mktemp(kind)
            assert quick_program().main([*SMALL, *KINDS[kind], "--out", str(out)]) == 0
            made[kind] = ending(out)
        return made[kind]

    return of


@pytest.fixture
def saved(program, tmp_path):
    """A run of 3 epochs, with its last two checkpoints."""
    short = [*SMALL, "--epochs", "3", "--checkpoint-every", "1", "--out", str(tmp_path)]
    assert program.main(short) == 0
    return tmp_path
