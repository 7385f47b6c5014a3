"""The tensor and autograd tutorials, the image classifier and the reader of rows: they show what
PyTorch shows, learn what they promise, and read the files that people have."""

import contextlib
import gzip
import importlib.util
import io
import itertools
import pickle
import struct
import sys

import numpy as np
import pytest

from tests.both import needs_torch

from .programs import load, write_for_torch

pytestmark = pytest.mark.cpu("programs that run by themselves")

needs_digits = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="the digits come with scikit-learn"
)


def in_words(value):
    """The id of a parameter that is no file's content."""
    return value if isinstance(value, str) else "content"


SHAPES = ["--train-size", "160", "--test-size", "60", "--epochs", "2", "--batch-size", "8"]
ROWS = ["--hidden-size", "16", "--epochs", "1"]
TENSOR, AUTOGRAD = ("tensor_tutorial", []), ("autograd_tutorial", ["--steps", "8"])
CIFAR = ("cifar", SHAPES)
PROGRAMS = [
    TENSOR,
    AUTOGRAD,
    CIFAR,
    pytest.param("rows", [*ROWS, "--num-layers", "1"], marks=needs_digits),
    pytest.param("rows", [*ROWS, "--cell", "gru"], marks=needs_digits),
    pytest.param("rows", [*ROWS, "--cell", "lstm"], marks=needs_digits),
]
# The node of a linear layer is two here, and the walk to a leaf another one
OTHERWISE = ("behind the loss:", "picture: ", "network: ")


@pytest.fixture(scope="module")
def for_torch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    write_for_torch(folder, {"self.rnn(x, lengths=lengths)": "self.rnn(x)"})  # not run here
    return folder


def outcome(program, args, folder):
    """What main returns, and the lines that it prints. It writes into `folder`."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as printed:
        result = program.main(args)
    return result, [x for x in printed.getvalue().splitlines() if not x.startswith(OTHERWISE)]


@needs_torch
@pytest.mark.parametrize("name, args", PROGRAMS)
def test_with_pytorch_imported_it_shows_the_same(name, args, for_torch, tmp_path):
    program = load(name, for_torch)
    assert program.torch.__name__ == "torch"
    theirs, their_lines = outcome(program, args, tmp_path)
    ours, our_lines = outcome(load(name), args, tmp_path)
    assert ours == (theirs if theirs is None else pytest.approx(theirs, rel=1e-4))
    # Numbers are printed to so few digits that rounding shows in few places, if at all
    different = [pair for pair in zip(our_lines, their_lines, strict=True) if pair[0] != pair[1]]
    assert len(their_lines) > 2 and len(different) <= 1, different


def test_tensor_tutorial_shows_the_chapters_that_are_asked_for(tmp_path):
    _, lines = outcome(load("tensor_tutorial"), ["numpy", "joining"], tmp_path)
    assert [x for x in lines if x.startswith("===")] == ["=== numpy ===", "=== joining ==="]
    assert ">>> torch.from_numpy(n)" not in lines and ">>> t = torch.from_numpy(n)" in lines


def test_autograd_tutorial_shows_gradients_and_learns(tmp_path):
    losses, lines = outcome(load("autograd_tutorial"), [], tmp_path)
    text = "\n".join(lines)
    assert "tensor([[4.5000, 4.5000]" in text and "out = 27.0" in text
    assert "grad_fn of x: None, of y: AddBackward0" in text
    assert all(after < before for before, after in itertools.pairwise(losses))


# ----- the image classifier -----


def test_shapes_are_learnt_to_more_than_90_percent(tmp_path):
    args = ["--train-size", "2000", "--epochs", "12"]  # the last 4 for what rounding may change
    *_, accuracy = outcome(load("cifar"), args, tmp_path)[0]
    assert accuracy > 0.9
    picture = (tmp_path / "runs" / "cifar.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert (tmp_path / "runs" / "cifar_net.pth").stat().st_size > 200_000


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, and NumPy's names as they were then: what the
    archive of CIFAR-10 contains."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_bytes(self, obj):
        self.write(b"T" + struct.pack("<i", len(obj)) + obj)

    def save_global(self, obj, name=None):
        module = obj.__module__.replace("numpy._core", "numpy.core")
        self.write(f"c{module}\n{name or obj.__qualname__}\n".encode())

    dispatch[bytes] = save_bytes


Python2Pickler.dispatch[type(np.empty(0).__reduce__()[0])] = Python2Pickler.save_global
Python2Pickler.dispatch[type] = Python2Pickler.save_global


def write_python(path, pixels, labels, pickler=Python2Pickler, protocol=2):
    batch = {b"batch_label": b"training batch 1 of 5", b"labels": labels.tolist(), b"data": pixels}
    with path.open("wb") as file:
        pickler(file, protocol).dump(batch)


def write_newly(path, pixels, labels):
    write_python(path, pixels, labels, pickle.Pickler, 4)


def write_binary(path, pixels, labels):
    np.column_stack([labels.astype(np.uint8), pixels]).tofile(path.with_suffix(".bin"))


@pytest.fixture
def pixels_and_labels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 3072), dtype=np.uint8), np.arange(20) % 10


def test_the_pickle_of_these_tests_is_that_of_python_2(tmp_path, pixels_and_labels):
    write_python(tmp_path / "batch", *pixels_and_labels)
    content = (tmp_path / "batch").read_bytes()
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content and b"_codecs" not in content


@pytest.mark.parametrize("write", [write_python, write_newly, write_binary])
def test_cifar_files(write, tmp_path, pixels_and_labels):
    pixels, labels = pixels_and_labels
    for name, part in [("data_batch_1", slice(0, 8)), ("data_batch_4", slice(8, 16))]:
        write(tmp_path / name, pixels[part], labels[part])
    write(tmp_path / "test_batch", pixels[16:], labels[16:])
    program = load("cifar")
    images, read = program.read_part(tmp_path, program.TRAINING_FILES)
    assert read.tolist() == labels[:16].tolist() and images.shape == (16, 3, 32, 32)
    # A row of the file is the red of all pixels, then the green, then the blue
    assert images[9, 2, 3, 4] == int(pixels[9, 2 * 1024 + 3 * 32 + 4])
    out = ["--save", str(tmp_path / "net.pth"), "--out", str(tmp_path / "net.png")]
    result, lines = outcome(program, ["--data", str(tmp_path), "--epochs", "1", *out], tmp_path)
    assert lines[0] == "16 images to learn, 4 to test, 10 classes" and len(result) == 2
    assert [x.split()[0] for x in lines if x.startswith("  ")] == program.CIFAR[6:]


class Call:
    def __reduce__(self):
        return (eval, ("[].append(0)",))


@pytest.mark.parametrize(
    "content, message",
    [
        (pickle.dumps(Call()), "eval has no place"),
        (pickle.dumps({b"data": 1}), "not a file of CIFAR-10"),
        (b"no pickle", "not a file of CIFAR-10"),
        (b"", "not a file of CIFAR-10"),
    ],
    ids=in_words,
)
def test_bad_cifar_python_files(content, message, tmp_path):
    (tmp_path / "data_batch_1").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load("cifar").main(["--data", str(tmp_path)])


@pytest.mark.parametrize("content", [b"", b"\1" * 3072, b"\x0b" * 3073], ids=in_words)
def test_bad_cifar_binary_files(content, tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"records of 3073 bytes|a class from 0 to 9"):
        load("cifar").main(["--data", str(tmp_path)])


# ----- rows -----


@needs_digits
def test_digits_are_read_to_at_least_95_percent(tmp_path):
    history, lines = outcome(load("rows"), [], tmp_path)
    assert history[-1] >= 0.95 and lines[0] == "1438 images to learn, 359 to test, 8 rows of 8"
    assert (tmp_path / "runs" / "rows.png").read_bytes().startswith(b"\x89PNG")


def test_without_scikit_learn_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ValueError, match=r'pip install "tinygrad-rnn\[examples\]", or .* --data'):
        load("rows").main([])


def idx(array):
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder, packed, n=30):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images, labels = rng.integers(0, 256, (n, 28, 28)), np.arange(n) % 10
        for name, array in [("images-idx3", images), ("labels-idx1", labels)]:
            content = gzip.compress(idx(array)) if packed else idx(array)
            (folder / f"{part}-{name}-ubyte{'.gz' * packed}").write_bytes(content)
    return images


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_files(packed, tmp_path):
    last = write_mnist(tmp_path, packed)
    program = load("rows")
    _, (images, labels) = program.load_mnist(tmp_path)
    assert images.shape == (30, 28, 28) and labels.tolist() == [i % 10 for i in range(30)]
    np.testing.assert_allclose(images.numpy(), last / 255, rtol=1e-6)
    args = ["--data", str(tmp_path), "--epochs", "1", "--hidden-size", "4"]
    _, lines = outcome(program, args, tmp_path)
    assert lines[0] == "30 images to learn, 30 to test, 28 rows of 28"


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    "name, content, message",
    [
        (IMAGES, b"", "expected an IDX file of bytes"),
        (IMAGES, b"\0\0\x0d\x01\0\0\0\x01abcd", "expected an IDX file of bytes"),
        (IMAGES, idx(np.zeros((30, 28, 28)))[:-1], r"expected \(30, 28, 28\) bytes"),
        (IMAGES, idx(np.zeros((30, 784))), "expected 3 dimensions, got 2"),
        (IMAGES, gzip.compress(b"x" * 100)[:-9], "damaged"),
        (IMAGES, gzip.compress(b"x" * 100)[:10] + b"nothing packed", "damaged"),
        (LABELS, idx(np.zeros(29)), "a digit for each image"),
        (LABELS, idx(np.full(30, 10)), "a digit for each image"),
        (LABELS, None, "a folder with train-labels-idx1-ubyte"),
    ],
    ids=in_words,
)
def test_bad_mnist_files(name, content, message, tmp_path):
    write_mnist(tmp_path, False)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load("rows").main(["--data", str(tmp_path)])


# ----- the command lines -----


@pytest.mark.parametrize("name", ["tensor_tutorial", "autograd_tutorial", "cifar", "rows"])
def test_help(name, capsys):
    program = load(name)
    with pytest.raises(SystemExit):
        program.main(["--help"])
    assert program.__doc__.splitlines()[0] in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, args, message",
    [
        ("tensor_tutorial", ["nothing"], "expected some of creation"),
        ("autograd_tutorial", ["--steps", "0"], "--steps"),
        ("cifar", ["--data", "nowhere"], "--data: expected a folder with data_batch_1"),
        ("cifar", ["--batch-size", "-1"], "--batch-size"),
        ("rows", ["--data", "nowhere"], "--data: expected a folder with train-images"),
        ("rows", ["--cell", "cnn"], "--cell"),
    ],
)
def test_bad_input(name, args, message):
    with pytest.raises(ValueError, match=message):
        load(name).main(args)
