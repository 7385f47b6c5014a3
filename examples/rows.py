"""Which digit is it? A recurrent network reads the image row by row.

    python examples/rows.py                              # scikit-learn's digits, 8 rows of 8
    python examples/rows.py --data MNIST/raw             # MNIST's own files, 28 rows of 28
    python examples/rows.py --cell lstm --epochs 20

Each row of pixels is one step of `nn.RNN(batch_first=True)` (or of a GRU or an LSTM), and a linear
layer makes scores of the last state. Prints the loss and the share of the test images that it gets
right after each epoch, and draws both. The digits take some ten seconds, and the RNN gets 98 % of
their test part right.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from common import Parser, count, positive, run, save_picture

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.utils.data import DataLoader, TensorDataset

Part = tuple[torch.Tensor, torch.Tensor]  # images (n, rows, columns) of 0..1, their digits (n)
CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

# ----- images -----


def read_idx(path: Path) -> np.ndarray:
    """The array of a file in MNIST's IDX format, packed by gzip or not: two zero bytes, the type
    (8: bytes), the number of dimensions, each dimension in 4 bytes, and then the elements."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}: the packed file is damaged: {error}") from error
    if content[:3] != b"\0\0\x08" or len(content) < 4 * (1 + content[3]):
        raise ValueError(f"{path}: expected an IDX file of bytes, got one with {content[:4]!r}")
    begin = 4 * (1 + content[3])
    shape = np.frombuffer(content[4:begin], ">i4")
    if len(content) - begin != shape.prod():
        raise ValueError(
            f"{path}: expected {tuple(shape.tolist())} bytes behind the header, "
            f"got {len(content) - begin}"
        )
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


def load_mnist(folder: Path) -> tuple[Part, Part]:
    """The training and the test part of a folder with MNIST's four files."""

    def read(name: str, ndim: int) -> np.ndarray:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                array = read_idx(path)
                if array.ndim != ndim:
                    raise ValueError(f"{path}: expected {ndim} dimensions, got {array.ndim}")
                return array
        raise ValueError(f"--data: expected a folder with {name} or {name}.gz, got {folder}")

    def part(name: str) -> Part:
        images, labels = read(f"{name}-images-idx3-ubyte", 3), read(f"{name}-labels-idx1-ubyte", 1)
        if len(images) != len(labels) or not len(images) or labels.max() > 9:
            raise ValueError(f"{folder}: expected a digit for each image of {name}-images")
        return torch.tensor(images).float() / 255, torch.tensor(labels).long()

    return part("train"), part("t10k")


def load_digits() -> tuple[Part, Part]:
    """The 1797 digits that come with scikit-learn; every fifth one is for the test. (The last fifth
    would be by writers of its own, and harder: 92 % where these have 98 %.)"""
    try:
        from sklearn import datasets
    except ImportError as error:
        advice = 'pip install "tinygrad-rnn[examples]", or give MNIST\'s files with --data'
        raise ValueError(f"the digits come with scikit-learn: {advice} ({error})") from error
    digits = datasets.load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target).long()
    test = torch.arange(len(labels)) % 5 == 4
    return (images[~test], labels[~test]), (images[test], labels[test])


# ----- the network -----


class RowReader(nn.Module):
    """A recurrent layer over the rows, and a linear layer on its last output."""

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.rnn = CELLS[cell](input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (batch, 10) for images (batch, rows, columns)."""
        out, _ = self.rnn(x)
        return self.fc(out[:, -1, :])


@torch.no_grad()
def accuracy(model: nn.Module, part: Part, device: str) -> float:
    """The share of the images that get the right digit."""
    images, labels = part
    guesses = torch.cat([model(x.to(device)).argmax(1).cpu() for x in images.split(1000)])
    return (guesses == labels).float().mean().item()


def train(model: nn.Module, training: Part, test: Part, args: Any) -> list[tuple[float, float]]:
    """The mean loss and the accuracy on the test part, of each epoch."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    loader: DataLoader[Any] = DataLoader(
        TensorDataset(*training), batch_size=args.batch_size, shuffle=True,
        generator=torch.Generator().manual_seed(args.seed),
    )  # fmt: skip
    history = []
    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for images, labels in loader:
            loss = criterion(model(images.to(args.device)), labels.to(args.device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(labels)
        history.append((total / len(training[1]), accuracy(model, test, args.device)))
        print(f"epoch {epoch}: loss {history[-1][0]:.4f}, test {history[-1][1]:.2%}", flush=True)
    return history


def draw(figure: Any, history: list[tuple[float, float]]) -> None:
    """Loss on the left, accuracy on the right."""
    epochs = range(1, len(history) + 1)
    for axes, name, values in zip(
        figure.subplots(1, 2), ("loss", "share right in the test"), zip(*history, strict=True),
        strict=True,
    ):  # fmt: skip
        axes.plot(epochs, values)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(True, alpha=0.3)


def main(argv: list[str] | None = None) -> list[float]:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="MNIST's four files, .gz or not")
    add("--cell", choices=CELLS, default="rnn", help="the recurrent layer")
    add("--hidden-size", type=count, default=128, help="hidden units")
    add("--num-layers", type=count, default=2, help="recurrent layers")
    add("--epochs", type=count, default=30, help="passes over the images")
    add("--batch-size", type=count, default=50, help="images in a step")
    add("--lr", type=positive, default=0.002, help="learning rate of Adam")
    add("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    add("--out", metavar="PICTURE", default="runs/rows.png", help="where the picture goes")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    training, test = load_mnist(args.data) if args.data else load_digits()
    _, rows, columns = training[0].shape
    print(f"{len(training[1])} images to learn, {len(test[1])} to test, {rows} rows of {columns}")
    model = RowReader(args.cell, columns, args.hidden_size, args.num_layers).to(args.device)
    history = train(model, training, test, args)
    print(f"{args.cell.upper()}: right in {history[-1][1]:.2%} of the test")
    save_picture(args.out, lambda figure: draw(figure, history), (9, 4))
    return [number for pair in history for number in pair]


if __name__ == "__main__":
    run(main)
