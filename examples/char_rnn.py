"""Train a character language model and let it write: Dive into Deep Learning, chapters 8 and 9.

    python examples/char_rnn.py                                  # the book's run, The Time Machine
    python examples/char_rnn.py --cell lstm --hidden-size 256
    python examples/char_rnn.py --text my_poems.txt --max-tokens -1
    python examples/char_rnn.py --generate runs/char_rnn/checkpoint.safetensors --prefix "the "

Under --out it leaves checkpoint.safetensors (weights, vocabulary, options), metrics.json (one
record per epoch) and perplexity.png.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.files import write_atomically
from tinygrad_rnn.nn import functional as F

try:
    from matplotlib.figure import Figure
    from tqdm import tqdm
except ImportError as error:
    sys.exit(
        f'char_rnn.py needs tqdm and matplotlib: pip install "tinygrad-rnn[examples]" ({error})'
    )

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
LEARNING_RATES = {"sgd": 1.0, "adam": 0.01}
BOOK_PREFIXES = ["time traveller", "traveller"]


class Failure(Exception):
    """Something the user can mend: reported in one line, with exit code 2."""


class CharModel(nn.Module):
    """One-hot characters, a recurrent layer, and a linear layer that scores the next character."""

    def __init__(self, cell: str, vocab_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.rnn = CELLS[cell](vocab_size, hidden_size, num_layers)
        self.head = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """Scores (steps, batch, vocab) and the new state for int64 tokens (batch, steps)."""
        x = F.one_hot(tokens.T, self.vocab_size).float()
        output, state = self.rnn(x, state)
        return self.head(output), state


# ----- data -----


def load_corpus(name: str, max_tokens: int) -> tuple[list[int], text.Vocab]:
    """The corpus and vocabulary of --text; the packaged text where the book can't be had."""
    if name == "sample":
        return text.load_sample(max_tokens)
    if name != "time-machine":
        return text.load_text(name, max_tokens)
    try:
        return text.load_time_machine(max_tokens=max_tokens)
    except text.DownloadError as error:
        print(f"{error}; training on the text that comes with the package", file=sys.stderr)
        return text.load_sample(max_tokens)


def prefixes(args: argparse.Namespace, corpus: list[int], vocab: text.Vocab) -> list[str]:
    """What the model continues as it learns: --prefix, the book's, or the text's own beginning."""
    if args.prefix:
        return [args.prefix]
    if all(char in vocab for char in "".join(BOOK_PREFIXES)):
        return BOOK_PREFIXES
    return ["".join(vocab.to_tokens(corpus[:10]))]


# ----- writing text -----


@torch.no_grad()
def generate(
    model: CharModel, vocab: text.Vocab, prefix: str, length: int, temperature: float = 0.0
) -> str:
    """The prefix and `length` more characters: the likeliest each time, or drawn with the given
    temperature."""
    device = model.head.weight.device
    tokens = vocab[list(prefix)] or [0]
    written = list(prefix)
    scores, state = model(torch.tensor([tokens], device=device))
    for _ in range(length):
        last = scores[-1, 0]
        if temperature > 0:
            token = int(torch.multinomial(torch.softmax(last / temperature, 0), 1))
        else:
            token = int(last.argmax())
        written.append(vocab.to_tokens(token))
        scores, state = model(torch.tensor([[token]], device=device), state)
    return "".join(written)


# ----- training -----


def detached(state: Any) -> Any:
    """The state without the graph that made it."""
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def train_epoch(
    model: CharModel,
    loader: text.SequenceLoader,
    optimizer: optim.Optimizer,
    clip: float,
    device: torch.device,
    after_step: Callable[[], bool],
) -> tuple[float, float]:
    """One pass over the corpus, or as much of it as after_step() lets it do. Returns perplexity
    and tokens per second."""
    start = time.perf_counter()
    losses, state, count = [], None, 0
    for inputs, labels in loader:
        # The state goes on where the next batch continues the last one, but gradients stop there
        state = detached(state) if state is not None and loader.carries_state else None
        scores, state = model(inputs.to(device), state)
        loss = F.cross_entropy(
            scores.reshape(-1, model.vocab_size), labels.T.reshape(-1).to(device)
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        losses.append(loss.detach() * labels.numel())
        count += labels.numel()
        if not after_step():
            break
    mean = float(torch.stack(losses).sum()) / count
    perplexity = math.exp(mean) if mean < 700 else math.inf
    return perplexity, count / (time.perf_counter() - start)


class Run:
    """What a run leaves under --out."""

    def __init__(self, args: argparse.Namespace, model: CharModel, vocab: text.Vocab) -> None:
        self.folder = Path(args.out)
        self.model, self.vocab = model, vocab
        self.options = {k: getattr(args, k) for k in ("cell", "hidden_size", "num_layers", "text")}
        self.metrics: list[dict[str, float]] = []
        self.folder.mkdir(parents=True, exist_ok=True)

    def save(self) -> None:
        """Checkpoint, metrics and picture; each file is replaced whole."""
        checkpoint = {
            "model": self.model.state_dict(),
            "vocabulary": list(self.vocab.idx_to_token),
            "options": self.options,
            "epoch": len(self.metrics),
        }
        torch.save(checkpoint, self.folder / "checkpoint.safetensors")
        table = json.dumps(self.metrics, indent=1)
        write_atomically(self.folder / "metrics.json", table.encode())
        write_atomically(self.folder / "perplexity.png", self._picture())

    def _picture(self) -> bytes:
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot([m["epoch"] for m in self.metrics], [m["perplexity"] for m in self.metrics])
        axes.set(xlabel="epoch", ylabel="perplexity", yscale="log")
        axes.set_title(
            f"{self.options['cell'].upper()}, {self.options['hidden_size']} hidden units"
        )
        axes.grid(True, which="both", alpha=0.3)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
        return picture.getvalue()


class Interrupt:
    """Ctrl-C lets the step in work finish: `asked` is then true. A second one ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def train(args: argparse.Namespace) -> int:
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    corpus, vocab = load_corpus(args.text, args.max_tokens)
    loader = text.SequenceLoader(
        corpus, args.batch_size, args.num_steps, args.sampling, random.Random(args.seed)
    )
    model = CharModel(args.cell, len(vocab), args.hidden_size, args.num_layers).to(device)
    lr = LEARNING_RATES[args.optimizer] if args.lr is None else args.lr
    optimizer = {"sgd": optim.SGD, "adam": optim.Adam}[args.optimizer](model.parameters(), lr=lr)
    run = Run(args, model, vocab)
    begins = prefixes(args, corpus, vocab)
    count = sum(p.numel() for p in model.parameters())
    print(
        f"{len(corpus):,} characters, {len(vocab)} tokens in the vocabulary; "
        f"{args.cell.upper()} with {count:,} parameters on {device}"
    )

    every = max(args.epochs // 10, 1)
    steps = max((len(corpus) - 1) // (args.batch_size * args.num_steps), 1)  # of an epoch, about
    with Interrupt() as interrupt, tqdm(
        total=args.epochs * steps, unit="step", disable=args.no_progress, dynamic_ncols=True
    ) as bar:  # fmt: skip

        def after_step() -> bool:
            bar.update()
            return not interrupt.asked

        for epoch in range(1, args.epochs + 1):
            bar.set_description(f"epoch {epoch}", refresh=False)
            perplexity, speed = train_epoch(model, loader, optimizer, args.clip, device, after_step)
            run.metrics.append(
                {"epoch": epoch, "perplexity": perplexity, "tokens_per_second": speed}
            )
            bar.set_postfix_str(
                f"perplexity {perplexity:.2f}, {speed:,.0f} tokens/s", refresh=False
            )
            bar.n = epoch * steps
            if epoch % every == 0 and epoch < args.epochs:
                sample = generate(model, vocab, begins[0], 50)
                bar.write(f"epoch {epoch}, perplexity {perplexity:.2f}: {sample}")
                run.save()
            if interrupt.asked:
                break
    run.save()

    last = run.metrics[-1]
    speeds = sorted(m["tokens_per_second"] for m in run.metrics)
    if interrupt.asked:
        print(f"stopped by Ctrl-C in epoch {len(run.metrics)}; everything so far is saved")
    speed = speeds[len(speeds) // 2]
    print(f"perplexity {last['perplexity']:.2f}, {speed:.0f} tokens/sec on {device}")
    for prefix in begins:
        print(generate(model, vocab, prefix, 50))
    print(f"written to {run.folder}: checkpoint.safetensors, metrics.json, perplexity.png")
    return 130 if interrupt.asked else 0


def write_from(args: argparse.Namespace) -> int:
    """Text from the checkpoint of an earlier run."""
    checkpoint = torch.load(args.generate, map_location=args.device)
    try:
        options, vocab = checkpoint["options"], text.Vocab.from_tokens(checkpoint["vocabulary"])
        model = CharModel(
            options["cell"], len(vocab), options["hidden_size"], options["num_layers"]
        ).to(torch.device(args.device))
        model.load_state_dict(checkpoint["model"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise Failure(f"{args.generate} is not a checkpoint of this program: {error}") from error
    torch.manual_seed(args.seed)
    print(generate(model, vocab, args.prefix or BOOK_PREFIXES[0], args.length, args.temperature))
    return 0


# ----- the command line -----


SAMPLINGS = ("sequential", "random")
TEXT_HELP = (
    "the book (downloaded once, or from the folder TINYGRAD_RNN_DATA), the text that comes with "
    "the package, or any UTF-8 file [time-machine]"
)
SAMPLING_HELP = "whether a batch continues the one before it, and its state [sequential]"
TEMPERATURE_HELP = "for --generate: 0 always takes the likeliest character, 1 draws as learned [0]"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message} (see --help)")


def at_least(least: float, kind: type = int) -> Any:
    """A type of argument: a finite number not below `least`."""

    def convert(value: str) -> Any:
        number = kind(value)
        if not number >= least or number == math.inf:
            raise argparse.ArgumentTypeError(f"{value} is too small; the least is {least}")
        return number

    convert.__name__ = "number"
    return convert


def positive(value: str) -> float:
    """A type of argument: a finite number above 0."""
    number = float(value)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return number


def max_tokens(value: str) -> int:
    """A type of argument: a positive whole number, or -1 for all."""
    number = int(value)
    if number < 1 and number != -1:
        raise argparse.ArgumentTypeError(f"{value} is neither positive nor -1 (all)")
    return number


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Without arguments it trains as the book does; defaults are in brackets.",
    )
    add = parser.add_argument
    add("--text", default="time-machine", metavar="time-machine|sample|PATH", help=TEXT_HELP)
    add("--max-tokens", type=max_tokens, default=10_000, help="characters used, -1: all [10000]")
    add("--cell", choices=CELLS, default="rnn", help="the recurrent layer [rnn]")
    add("--hidden-size", type=at_least(1), default=512, help="hidden units [512]")
    add("--num-layers", type=at_least(1), default=1, help="recurrent layers [1]")
    add("--epochs", type=at_least(1), default=500, help="passes over the text [500]")
    add("--batch-size", type=at_least(1), default=32, help="sequences in a batch [32]")
    add("--num-steps", type=at_least(1), default=35, help="characters in a sequence [35]")
    add("--sampling", choices=SAMPLINGS, default="sequential", help=SAMPLING_HELP)
    add("--optimizer", choices=LEARNING_RATES, default="sgd", help="[sgd]")
    add("--lr", type=positive, help="learning rate [1 for sgd, 0.01 for adam]")
    add("--clip", type=positive, default=1.0, help="largest norm of the gradient [1]")
    add("--device", default="cpu", help="cpu, cuda, cuda:1, ... [cpu]")
    add("--seed", type=at_least(0), default=0, help="the same seed, the same run [0]")
    add("--out", default="runs/char_rnn", help="folder for the results [runs/char_rnn]")
    add("--no-progress", action="store_true", help="no progress bar")
    add("--generate", metavar="CHECKPOINT", help="train nothing; write text from a checkpoint")
    add("--prefix", help="what to continue ['time traveller', 'traveller']")
    add("--length", type=at_least(0), default=200, help="characters for --generate [200]")
    add("--temperature", type=at_least(0, float), default=0.0, help=TEMPERATURE_HELP)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    try:
        args = parse(argv)
        return write_from(args) if args.generate else train(args)
    except (Failure, OSError, ValueError, RuntimeError) as error:
        print(f"char_rnn.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
