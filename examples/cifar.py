"""An image classifier: two convolutions, two poolings and three linear layers.

    python examples/cifar.py                             # small images of coloured shapes
    python examples/cifar.py --data cifar-10-batches-py  # CIFAR-10, the python or binary version
    python examples/cifar.py --data cifar-10-batches-bin --epochs 2 --batch-size 4 --lr 0.001

Trains with stochastic gradient descent, saves the network, loads it into another, and prints how
many of the test images that one gets right, of each class too. Without --data it learns 10 classes
of shapes, drawn here, to 99 % in half a minute. The last of the lines above is the run of PyTorch's
tutorial.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from common import Parser, count, positive, run, save_picture

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.utils.data import DataLoader, TensorDataset

Part = tuple[torch.Tensor, torch.Tensor]  # images (n, 3, 32, 32) of uint8, their classes (n)

# ----- CIFAR-10, from its own files -----

CIFAR = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
TRAINING_FILES = [f"data_batch_{i}" for i in range(1, 6)]
PIXELS = 3 * 32 * 32

_reconstruct = np.empty(0).__reduce__()[0]  # what pickles call to make an array
IN_PICKLES = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
DAMAGED = (
    pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError, ValueError,
)  # fmt: skip


class CifarUnpickler(pickle.Unpickler):
    """Reads a pickle of arrays, numbers and strings. Everything else could run any code, and is
    refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in IN_PICKLES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of CIFAR-10")
        return IN_PICKLES[module, name]


def read_python(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3072) and classes (n) of a file of the python version."""
    try:
        with path.open("rb") as file:
            batch = CifarUnpickler(file, encoding="bytes").load()
        data, labels = batch[b"data"], batch[b"labels"]
        return np.asarray(data, np.uint8).reshape(-1, PIXELS), np.asarray(labels, np.int64)
    except DAMAGED as error:
        raise ValueError(f"{path}: not a file of CIFAR-10's python version: {error}") from error


def read_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The same of the binary version: for each image a byte for the class, and 3072 of pixels."""
    content = np.fromfile(path, np.uint8)
    if content.size == 0 or content.size % (1 + PIXELS):
        raise ValueError(
            f"{path}: expected records of {1 + PIXELS} bytes, got {content.size} bytes in all"
        )
    records = content.reshape(-1, 1 + PIXELS)
    return records[:, 1:], records[:, 0].astype(np.int64)


def read_part(folder: Path, names: list[str]) -> Part:
    """The images of those of the named files that are there, in either version."""
    read = [read_python(folder / name) for name in names if (folder / name).exists()]
    binary = [folder / f"{name}.bin" for name in names]
    read += [read_binary(path) for path in binary if path.exists()]
    if not read:
        raise ValueError(
            f"--data: expected a folder with {names[0]} or {names[0]}.bin, as CIFAR-10's archives "
            f"contain it, got {folder}"
        )
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*read, strict=True))
    if len(pixels) != len(labels) or labels.min() < 0 or labels.max() >= len(CIFAR):
        raise ValueError(f"{folder}: expected a class from 0 to {len(CIFAR) - 1} for each image")
    return torch.from_numpy(pixels).view(-1, 3, 32, 32), torch.from_numpy(labels)


# ----- images of shapes, drawn here -----

SHAPES = ["disc", "ring", "square", "cross", "triangle"]
SHAPE_CLASSES = [f"{tone} {shape}" for tone in ("warm", "cool") for shape in SHAPES]


def draw_shapes(count: int) -> Part:
    """Shapes of any size, at any place, in a warm or a cool colour, before a noisy background."""
    labels = torch.randint(0, len(SHAPE_CLASSES), (count,))
    size = 8 + 4 * torch.rand(count, 1, 1)
    middle = size + (32 - 2 * size) * torch.rand(2, count, 1, 1)
    grid = torch.arange(32).float() + 0.5
    x, y = (grid - middle[0]) / size, (grid.unsqueeze(1) - middle[1]) / size  # in the shape: -1..1
    r, inside = (x**2 + y**2).sqrt(), torch.maximum(x.abs(), y.abs()) < 1
    shapes = torch.stack(
        [
            r < 1,
            (r < 1) & (r > 0.55),
            inside,
            inside & (torch.minimum(x.abs(), y.abs()) < 0.3),
            inside & (2 * x.abs() < y + 1),
        ]
    )
    mask = shapes[labels % len(SHAPES), torch.arange(count)].unsqueeze(1)
    strong, weak = 200 + 55 * torch.rand(count), 100 * torch.rand(count)
    middling = 60 + 90 * torch.rand(count)
    warm = torch.stack([strong, middling, weak], 1)
    cool = torch.stack([weak, middling, strong], 1)
    colour = torch.where((labels < len(SHAPES)).unsqueeze(1), warm, cool).view(count, 3, 1, 1)
    noise = 40 * torch.rand(count, 3, 32, 32)
    background = 180 * torch.rand(count, 1, 1, 1)
    images = torch.where(mask, colour, background) + noise - 20
    return images.clamp(0, 255).to(torch.uint8), labels


# ----- the network -----


class Net(nn.Module):
    """Ten scores of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (batch, 10) for images (batch, 3, 32, 32) of -1..1."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def normalized(images: torch.Tensor) -> torch.Tensor:
    """Bytes as floats between -1 and 1."""
    return images.float() / 127.5 - 1


def train(net: Net, training: Part, args: Any) -> list[float]:
    """Returns the mean loss of each epoch; prints it, and ten times in an epoch what it is by
    then."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    loader: DataLoader[Any] = DataLoader(
        TensorDataset(*training), batch_size=args.batch_size, shuffle=True,
        generator=torch.Generator().manual_seed(args.seed),
    )  # fmt: skip
    losses, every = [], max(len(loader) // 10, 1)
    for epoch in range(1, args.epochs + 1):
        total = running = 0.0
        for i, (images, labels) in enumerate(loader, 1):
            inputs, labels = normalized(images).to(args.device), labels.to(args.device)
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            running += loss.item()
            if i % every == 0 and len(loader) >= 1000:
                print(f"[{epoch}, {i:5d}] loss: {running / every:.3f}", flush=True)
                running = 0.0
        losses.append(total / len(training[1]))
        print(f"epoch {epoch}, loss {losses[-1]:.3f}", flush=True)
    return losses


@torch.no_grad()
def predict(net: Net, images: torch.Tensor, device: str) -> torch.Tensor:
    """The class (n) that the network gives each image the highest score of."""
    predicted = []
    for batch in images.split(500):
        outputs = net(normalized(batch).to(device))
        predicted.append(torch.max(outputs, 1)[1].cpu())
    return torch.cat(predicted)


def draw_images(figure: Any, images: torch.Tensor, titles: list[str]) -> None:
    """The images in rows of eight, with their titles."""
    for axes, image, title in zip(
        figure.subplots(-(-len(titles) // 8), 8, squeeze=False).flat, images, titles, strict=False
    ):
        axes.imshow(image.permute(1, 2, 0).numpy())
        axes.set_title(title, fontsize="x-small")
    for axes in figure.axes:
        axes.axis("off")


def main(argv: list[str] | None = None) -> list[float]:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER", help="CIFAR-10's own files, python or binary")
    add("--train-size", type=count, default=5000, help="shapes to learn from, without --data")
    add("--test-size", type=count, default=1000, help="shapes to test with, without --data")
    add("--epochs", type=count, default=8, help="passes over the images")
    add("--batch-size", type=count, default=16, help="images in a step")
    add("--lr", type=positive, default=0.01, help="learning rate")
    add("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    add("--save", metavar="PATH", default="runs/cifar_net.pth", help="where the network goes")
    add("--out", metavar="PICTURE", default="runs/cifar.png", help="where the picture goes")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    if args.data is None:
        classes = SHAPE_CLASSES
        training, test = draw_shapes(args.train_size), draw_shapes(args.test_size)
    else:
        classes = CIFAR
        training = read_part(args.data, TRAINING_FILES)
        test = read_part(args.data, ["test_batch"])
    print(f"{len(training[1])} images to learn, {len(test[1])} to test, {len(classes)} classes")

    net = Net().to(args.device)
    losses = train(net, training, args)
    Path(args.save).parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), args.save)
    print(f"network: {args.save}")

    net = Net().to(args.device)
    net.load_state_dict(torch.load(args.save, weights_only=True))
    images, labels = test
    predicted = predict(net, images, args.device)
    right = predicted == labels
    accuracy = right.float().mean().item()
    print(f"right of the {len(labels)} test images: {accuracy:.1%}")
    for number, name in enumerate(classes):
        of_class = right[labels == number]
        if len(of_class) > 0:
            print(f"  {name:15s} {of_class.float().mean().item():6.1%}")
    titles = [
        name if ok else f"{name}, not {classes[label]}"
        for name, ok, label in zip(
            [classes[p] for p in predicted[:32].tolist()], right.tolist(), labels.tolist(),
            strict=False,
        )
    ]  # fmt: skip
    save_picture(args.out, lambda figure: draw_images(figure, images, titles), (10, 6))
    return [*losses, accuracy]


if __name__ == "__main__":
    run(main)
