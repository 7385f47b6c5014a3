"""What the programs here share: a command line, the text to learn, a picture of the result."""

from __future__ import annotations

import argparse
import functools
import io
import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tinygrad_rnn import text
from tinygrad_rnn.files import write_atomically

# ----- the command line -----


class _Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """The docstring as it is written, and the default behind every option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """Options of a program, whose docstring is the help; a wrong one is a ValueError."""

    def __init__(self, doc: str | None) -> None:
        super().__init__(description=doc, formatter_class=_Help)

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see --help)")


def at_least(least: float, kind: type = int) -> Callable[[str], Any]:
    """A type of argument: a finite number not below `least`."""

    def convert(value: str) -> Any:
        number = kind(value)
        if not least <= number < math.inf:
            raise argparse.ArgumentTypeError(f"{value} is too small; the least is {least}")
        return number

    convert.__name__ = "number"
    return convert


count = at_least(1)


def positive(value: str) -> float:
    """A type of argument: a finite number above 0."""
    number = float(value)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return number


def run(main: Callable[[], Any]) -> NoReturn:
    """Run a program. What its user can mend is told in one line, with exit code 2."""
    try:
        main()
    except (OSError, ValueError, RuntimeError) as error:
        print(f"{Path(sys.argv[0]).name}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


# ----- text -----


@functools.cache  # a program that trains two models reads, and warns, once
def load_corpus(name: str, max_tokens: int = -1) -> tuple[list[int], text.Vocab]:
    """Characters as numbers, and their vocabulary: of "time-machine" (downloaded once), "sample"
    (comes with the package), or a UTF-8 file."""
    if name == "sample":
        return text.load_sample(max_tokens)
    if name != "time-machine":
        return text.load_text(name, max_tokens)
    try:
        return text.load_time_machine(max_tokens=max_tokens)
    except text.DownloadError as error:
        print(f"{error}; learning the text that comes with the package", file=sys.stderr)
        return text.load_sample(max_tokens)


TEXT_HELP = (
    "what to learn: the book (downloaded once, or from the folder TINYGRAD_RNN_DATA), the text "
    "that comes with the package, or any UTF-8 file"
)
SAMPLING_HELP = "whether a batch goes on where the last one ended, with its state"


def language_model_options(
    doc: str | None,
    out_is: tuple[str, str] = ("PICTURE", "where the picture goes"),
    **defaults: Any,
) -> Parser:
    """The options of the book's character models, with the book's defaults where none is given;
    `out_is` says what --out takes."""
    parser = Parser(doc)
    add = parser.add_argument
    add("--text", default="time-machine", metavar="time-machine|sample|PATH", help=TEXT_HELP)
    add("--max-tokens", type=int, default=10_000, help="characters used, -1 for all")
    add("--hidden-size", type=count, default=256, help="hidden units")
    add("--epochs", type=count, default=500, help="passes over the text")
    add("--batch-size", type=count, default=32, help="sequences in a batch")
    add("--num-steps", type=count, default=35, help="characters in a sequence")
    add("--lr", type=positive, default=1.0, help="learning rate")
    add("--clip", type=positive, default=1.0, help="largest norm of the gradient")
    add("--sampling", choices=text.SAMPLERS, default="sequential", help=SAMPLING_HELP)
    add("--prefix", default="time traveller", help="what the model continues")
    add("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    add("--out", metavar=out_is[0], help=out_is[1])
    parser.set_defaults(**defaults)
    return parser


def load_batches(args: argparse.Namespace) -> tuple[text.SequenceLoader, text.Vocab]:
    """The batches of the text that the options name, and its vocabulary. Raises ValueError for a
    prefix that the text has not the characters for."""
    corpus, vocab = load_corpus(args.text, args.max_tokens)
    if not args.prefix or not set(args.prefix) <= set(vocab):
        begin = "".join(vocab.to_tokens(corpus[:5]))
        raise ValueError(
            f"--prefix: expected characters of the text, such as {begin!r}, got {args.prefix!r}"
        )
    rng = random.Random(args.seed)
    loader = text.SequenceLoader(corpus, args.batch_size, args.num_steps, args.sampling, rng)
    return loader, vocab


# ----- pictures -----


@functools.cache  # said once
def _no_picture() -> None:
    advice = 'pip install "tinygrad-rnn[examples]"'
    print(f"no picture, as matplotlib is not installed: {advice}", file=sys.stderr)


def save_picture(
    path: str | Path, draw: Callable[[Any], None], size: tuple[float, float], quiet: bool = False
) -> None:
    """Write what `draw` draws on a matplotlib Figure of this size in inches, and tell where unless
    `quiet`; without matplotlib say how to get it."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return _no_picture()
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    content = io.BytesIO()
    figure.savefig(content, dpi=120, format=Path(path).suffix[1:] or "png")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())
    if not quiet:
        print(f"picture: {path}")


def save_perplexities(
    path: str | Path, curves: Mapping[str, Sequence[float]], quiet: bool = False
) -> None:
    """A picture of the perplexities of each epoch, one curve for each name."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for name, values in curves.items():
            axes.plot(range(1, len(values) + 1), values, label=name)
        axes.set(xlabel="epoch", ylabel="perplexity", yscale="log")
        axes.legend()
        axes.grid(True, which="both", alpha=0.3)

    save_picture(path, draw, (6, 4), quiet)
