"""The names: what is read, ragged batches against single names, the confusion matrix, accuracy."""

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import testing

from .programs import EXAMPLES, load

pytestmark = pytest.mark.cpu("programs that run by themselves")


@pytest.mark.parametrize(
    "name, ascii", [("Núñez", "Nunez"), ("O'Néàl", "O'Neal"), ("Ślusàrski", "Slusarski")]
)
def test_accents_go(name, ascii):
    assert load("names").to_ascii(name) == ascii


def test_a_letter_that_there_is_not_is_the_last_one():
    program = load("names")
    numbers = program.to_tensor("aßZ").argmax(1).tolist()
    assert numbers == [0, len(program.LETTERS) - 1, program.LETTERS.index("Z")]


def test_names_are_split_by_language():
    languages, training, test = load("names").load_names(EXAMPLES / "names", 0.25, seed=0)
    assert languages == sorted(languages) and len(languages) == 8
    for label in range(8):
        mine = [[name for name, lab in part if lab == label] for part in (training, test)]
        assert [len(part) for part in mine] == [30, 10] and not set(mine[0]) & set(mine[1])


def test_the_data_folder(data_folder):
    """The folder of PyTorch's tutorial, where it is."""
    if not (data_folder / "names").is_dir():
        pytest.skip("no folder names among the texts")
    program = load("names")
    languages, training, test = program.load_names(data_folder / "names", 0.15, seed=0)
    assert len(languages) == 18 and len(training) + len(test) > 17_000
    unknown = [name for name, _ in training + test if set(name) - set(program.LETTERS)]
    assert len(unknown) < 20


@pytest.mark.parametrize("file, content", [("A.txt", "One\n"), ("A.txt", ""), ("A.csv", "One\n")])
def test_a_folder_without_enough_names(file, content, tmp_path):
    (tmp_path / file).write_text(content)
    (tmp_path / "B.txt").write_text("Two\nThree\n")
    with pytest.raises(ValueError, match="--data"):
        load("names").load_names(tmp_path, 0.5, seed=0)


@pytest.fixture(params=["letters", "layer"])
def model(request):
    program = load("names")
    torch.manual_seed(0)
    kind = {"letters": program.LetterRNN, "layer": program.NameRNN}[request.param]
    return program, kind(len(program.LETTERS), 8, 3)


def test_padding_does_not_matter():
    program = load("names")
    model = program.NameRNN(len(program.LETTERS), 8, 3)
    names = [("Li", 0), ("Papadopoulos", 2), ("Smith", 1)]
    x, lengths, labels = program.collate(names)
    assert x.shape == (12, 3, len(program.LETTERS)) and labels.tolist() == [0, 2, 1]
    together = model(x, lengths)
    for number, name in enumerate(names):
        testing.assert_close(model(*program.collate([name])[:2])[0], together[number])


def test_confusion_matrix(model):
    """Counted one name at a time."""
    program, model = model
    names = [("Li", 0), ("Papadopoulos", 2), ("Smith", 1), ("Xu", 0), ("Ma", 1)]
    expected = [[0.0] * 3 for _ in range(3)]
    for name, label in names:
        x, lengths, _ = program.collate([(name, label)])
        scores = model(x, lengths) if isinstance(model, program.NameRNN) else model.read(name)
        expected[label][int(scores.argmax())] += 1
    matrix = program.confusion_matrix(model, names, ["A", "B", "C"])
    testing.assert_close(matrix, torch.tensor(expected))


def test_it_learns_what_names_look_like(tmp_path, capsys):
    """At least half of the 48 names held out; guessing would have 6."""
    args = ["--models", "layer", "--epochs", "15", "--hidden-size", "64"]
    load("names").main([*args, "--out", str(tmp_path / "names.png")])
    shown = capsys.readouterr().out.splitlines()
    accuracy = next(line for line in shown if "held out, " in line and line.startswith("layer:"))
    assert float(accuracy.split()[1].rstrip("%")) >= 50
