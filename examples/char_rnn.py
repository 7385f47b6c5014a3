"""Train a character language model and let it write: Dive into Deep Learning, chapters 8 and 9.

    python examples/char_rnn.py                                  # the book's run, The Time Machine
    python examples/char_rnn.py --cell lstm --hidden-size 256
    python examples/char_rnn.py --text my_poems.txt --max-tokens -1
    python examples/char_rnn.py --resume                         # a run that was stopped goes on
    python examples/char_rnn.py --generate runs/char_rnn/checkpoint.safetensors --prefix "the "

Under --out it leaves checkpoint.safetensors (all that the run needs to go on), the checkpoint
before that, metrics.json (one record per epoch) and perplexity.png. Ctrl-C and SIGTERM save, and
stop; with --resume a run that ended in any way ends as if it had never been stopped, to the bit.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from common import at_least, count, language_model_options, load_corpus, save_perplexities
from lasting import Checkpoints, Stop, chance, check_options, fingerprint, set_chance

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.files import write_atomically
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.utils import find_nonfinite

try:
    from tqdm import tqdm
except ImportError as error:
    sys.exit(f'char_rnn.py needs tqdm: pip install "tinygrad-rnn[examples]" ({error})')

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
OPTIMIZERS = {"sgd": optim.SGD, "adam": optim.Adam}
LEARNING_RATES = {"sgd": 1.0, "adam": 0.01}
BOOK_PREFIXES = ["time traveller", "traveller"]


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


def prefixes(args: argparse.Namespace, corpus: list[int], vocab: text.Vocab) -> list[str]:
    """What the model continues as it learns: --prefix, the book's, or the text's own beginning."""
    if args.prefix:
        return [args.prefix]
    if all(char in vocab for char in "".join(BOOK_PREFIXES)):
        return BOOK_PREFIXES
    return ["".join(vocab.to_tokens(corpus[:10]))]


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
        raise ValueError(f"{args.generate} is not a checkpoint of this program: {error}") from error
    torch.manual_seed(args.seed)
    print(generate(model, vocab, args.prefix or BOOK_PREFIXES[0], args.length, args.temperature))
    return 0


# ----- training -----


class Losses(nn.Module):
    """The loss of every character, (steps, batch), by a model."""

    def __init__(self, model: CharModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor, state: Any) -> torch.Tensor:
        scores, _ = self.model(inputs, state)
        return F.cross_entropy(scores.transpose(1, 2), labels.T, reduction="none")


class Diverged(Exception):
    """The loss is no longer a finite number."""


def each(function: Callable[[torch.Tensor], torch.Tensor], state: Any) -> Any:
    """A state, which is a tensor, of an LSTM a pair, or None, with a function applied to it."""
    if isinstance(state, tuple):
        return tuple(function(part) for part in state)
    return None if state is None else function(state)


class Run:
    """A model in training. All that it needs to go on is in its `state_dict()`.

    Attributes:
        history: a record of each epoch so far.
        losses, carried, seconds: of the epoch in work: the losses of all characters of each step,
            the state that the next step begins with, and the time it has taken.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.options = {name: getattr(args, name) for name in SAVED}
        self.device, self.clip = torch.device(args.device), args.clip
        random.seed(args.seed)
        torch.manual_seed(args.seed)
        corpus, self.vocab = load_corpus(args.text, args.max_tokens)
        self.corpus, self.begins = corpus, prefixes(args, corpus, self.vocab)
        self.fingerprint = fingerprint(corpus, self.vocab)
        self.loader = text.SequenceLoader(
            corpus, args.batch_size, args.num_steps, args.sampling, random.Random(args.seed),
            self.device,
        )  # fmt: skip
        model = CharModel(args.cell, len(self.vocab), args.hidden_size, args.num_layers)
        self.model = model.to(self.device)
        self.optimizer = OPTIMIZERS[args.optimizer](model.parameters(), lr=args.lr)
        self.scheduler = optim.lr_scheduler.LinearLR(
            self.optimizer, 1 / args.warmup, total_iters=args.warmup
        )
        self.history: list[dict[str, float]] = []
        self.losses: list[torch.Tensor] = []
        self.carried: Any = None
        self.seconds = 0.0

    def steps(self) -> Iterator[None]:
        """Train on what is left of the epoch, and yield behind each step. When it is over, there
        is a record of it in the history. Raises Diverged."""
        start = time.perf_counter() - self.seconds
        for inputs, labels in self.loader:
            scores, state = self.model(inputs, self.carried)
            loss = F.cross_entropy(scores.reshape(-1, len(self.vocab)), labels.T.reshape(-1))
            if not math.isfinite(loss.item()):
                where = self.where_from(inputs, labels)
                raise Diverged(f"{self.place()}: the loss is {loss.item()}, first seen in {where}")
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            self.scheduler.step()
            # The state goes on where the next batch continues this one, but gradients stop here
            self.carried = each(torch.Tensor.detach, state) if self.loader.carries_state else None
            self.losses.append(loss.detach() * labels.numel())
            self.seconds = time.perf_counter() - start
            yield
        tokens = len(self.losses) * self.loader.batch_size * self.loader.num_steps
        mean = float(torch.stack(self.losses).sum()) / tokens
        record = {
            "epoch": len(self.history) + 1,
            "perplexity": math.exp(mean) if mean < 700 else math.inf,
            "tokens_per_second": tokens / self.seconds,
        }
        self.history.append(record)
        self.losses, self.carried, self.seconds = [], None, 0.0

    def place(self) -> str:
        return f"epoch {len(self.history) + 1}, step {len(self.losses) + 1}"

    def check(self) -> None:
        """Raise Diverged if the last step has left a weight that is no finite number."""
        for name, weight in self.model.named_parameters():
            if not bool(weight.isfinite().all()):
                raise Diverged(f"before {self.place()}: the parameter model.{name} is not finite")

    def where_from(self, inputs: torch.Tensor, labels: torch.Tensor) -> str:
        """Where a nan or an infinity comes up first when the model reads this batch again."""
        place = find_nonfinite(Losses(self.model), inputs, labels, self.carried, time_dim=0)
        return str(place or "the mean of the losses")

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "vocabulary": list(self.vocab),
            "options": self.options,
            "epoch": len(self.history),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "loader": self.loader.state_dict(),
            "history": self.history,
            "losses": torch.stack(self.losses) if self.losses else None,
            "carried": self.carried,
            "seconds": self.seconds,
            "chance": chance(),
            "fingerprint": self.fingerprint,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Be where another run of the same options was. Raises ValueError for another text."""
        if saved["fingerprint"] != self.fingerprint:
            raise ValueError(f"{self.options['text']} is not the text that the run began with")
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if "scheduler" in saved:  # earlier versions had none
            self.scheduler.load_state_dict(saved["scheduler"])
        self.loader.load_state_dict(saved["loader"])
        self.history, self.seconds = saved["history"], saved["seconds"]
        losses = saved["losses"]
        self.losses = [] if losses is None else list(losses.to(self.device))
        self.carried = each(lambda part: part.to(self.device), saved["carried"])
        set_chance(saved["chance"])


class Folder:
    """What a run leaves under --out. Each file is replaced whole."""

    def __init__(self, args: argparse.Namespace, checkpoints: Checkpoints) -> None:
        self.checkpoints, self.path = checkpoints, checkpoints.folder
        self.metrics, self.picture = self.path / "metrics.json", self.path / "perplexity.png"
        self.title = f"{args.cell.upper()}, {args.hidden_size} hidden units"
        self.good = "no checkpoint was saved before"
        checkpoints.open_folder(self.metrics, self.picture)

    def save(self, run: Run) -> None:
        """The checkpoint, which takes the place of a good one: of a run that can go on, alone."""
        run.check()
        self.checkpoints.save(run.state_dict())
        self.good = f"the checkpoint in {self.path} is of {run.place()}"

    def show(self, history: list[dict[str, float]]) -> None:
        """The metrics so far, and their picture."""
        write_atomically(self.metrics, json.dumps(history, indent=1).encode())
        curve = [record["perplexity"] for record in history]
        save_perplexities(self.picture, {self.title: curve}, quiet=True)


def train_epochs(run: Run, args: argparse.Namespace, folder: Folder, stop: Stop) -> None:
    """Train until all epochs are done, or somebody asks to stop; show how it goes on, and save."""
    every = max(args.epochs // 10, 1)  # epochs between two samples
    tokens = args.batch_size * args.num_steps
    steps = max((len(run.corpus) - 1) // tokens, 1)  # of an epoch, about
    with tqdm(
        total=args.epochs * steps, initial=len(run.history) * steps + len(run.losses),
        unit="step", disable=args.no_progress, dynamic_ncols=True,
    ) as bar:  # fmt: skip
        while len(run.history) < args.epochs and not stop.asked:
            bar.set_description(f"epoch {len(run.history) + 1}", refresh=False)
            for _ in run.steps():
                bar.update()
                if stop.asked:
                    return
            epoch, perplexity, speed = run.history[-1].values()
            reached = f"perplexity {perplexity:.2f}, {speed:,.0f} tokens/s"
            bar.set_postfix_str(reached, refresh=False)
            bar.n = epoch * steps
            if epoch % args.checkpoint_every == 0 and epoch < args.epochs:
                folder.save(run)
            if epoch % every == 0 and epoch < args.epochs:
                sample = generate(run.model, run.vocab, run.begins[0], 50)
                bar.write(f"epoch {epoch}, perplexity {perplexity:.2f}: {sample}")
                folder.show(run.history)


def train(args: argparse.Namespace, checkpoints: Checkpoints, saved: dict[str, Any] | None) -> int:
    """A run, from its beginning or from where it was saved, to its end or to where it is stopped.
    Returns the exit status."""
    folder, run = Folder(args, checkpoints), Run(args)
    parameters = sum(p.numel() for p in run.model.parameters())
    print(
        f"{len(run.corpus):,} characters, {len(run.vocab)} tokens in the vocabulary; "
        f"{args.cell.upper()} with {parameters:,} parameters on {run.device}"
    )
    if saved is not None:
        run.load_state_dict(saved)
        folder.good = f"the checkpoint in {folder.path} is of {run.place()}"
        print(f"going on with {run.place()}")
    with Stop() as stop:
        try:
            train_epochs(run, args, folder, stop)
            folder.save(run)
        except Diverged as error:
            raise Diverged(f"{error}; {folder.good}") from error
        folder.show(run.history)
    if stop.asked:
        print(f"stopped by {stop.name} before {run.place()}; all is saved, and --resume goes on")
    if run.history:
        speeds = sorted(record["tokens_per_second"] for record in run.history)
        speed, perplexity = speeds[len(speeds) // 2], run.history[-1]["perplexity"]
        print(f"perplexity {perplexity:.2f}, {speed:.0f} tokens/sec on {run.device}")
    for prefix in run.begins:
        print(generate(run.model, run.vocab, prefix, 50))
    print(f"written to {folder.path}: checkpoint.safetensors, metrics.json, perplexity.png")
    return stop.status


# ----- the command line -----


OPTIMIZER_HELP = "if --lr is not given, the learning rate is 1 with sgd, 0.01 with adam"
WARMUP_HELP = "the learning rate rises to --lr over so many steps"
TEMPERATURE_HELP = "for --generate: 0 always takes the likeliest character, 1 draws as learned"
RESUME_HELP = "go on with the run under --out, with its options; --epochs may be more"
# The options of a run, which its checkpoint keeps, and those of them that may change on the way
SAVED = (
    "text", "max_tokens", "cell", "hidden_size", "num_layers", "epochs", "batch_size", "num_steps",
    "sampling", "optimizer", "lr", "warmup", "clip", "device", "seed", "checkpoint_every", "prefix",
)  # fmt: skip
MAY_CHANGE = {"epochs", "device", "checkpoint_every", "prefix"}


def parse(argv: list[str] | None, begun: dict[str, Any] | None = None) -> argparse.Namespace:
    """The options on the command line; those of a run that was begun in place of the defaults."""
    parser = language_model_options(
        __doc__, ("FOLDER", "for the results"), hidden_size=512, lr=None, prefix=None,
        out="runs/char_rnn",
    )  # fmt: skip
    add = parser.add_argument
    add("--cell", choices=CELLS, default="rnn", help="the recurrent layer")
    add("--num-layers", type=count, default=1, help="recurrent layers")
    add("--optimizer", choices=OPTIMIZERS, default="sgd", help=OPTIMIZER_HELP)
    add("--warmup", metavar="STEPS", type=count, default=1, help=WARMUP_HELP)
    add("--checkpoint-every", metavar="EPOCHS", type=count, default=10, help="how often to save")
    add("--resume", action="store_true", help=RESUME_HELP)
    add("--no-progress", action="store_true", help="no progress bar")
    add("--generate", metavar="CHECKPOINT", help="train nothing; write text from a checkpoint")
    add("--length", type=at_least(0), default=200, help="characters for --generate")
    add("--temperature", type=at_least(0, float), default=0.0, help=TEMPERATURE_HELP)
    args = parser.parse_args(argv, argparse.Namespace(**(begun or {})))
    if args.lr is None:
        args.lr = LEARNING_RATES[args.optimizer]
    return args


def resumed(argv: list[str] | None, saved: dict[str, Any]) -> argparse.Namespace:
    """The options of the run that was saved, as far as the command line may not change them."""
    if not {"options", "chance"} <= saved.keys():
        raise ValueError("--resume: the checkpoint is of an earlier version, and has weights alone")
    begun = {name: value for name, value in saved["options"].items() if name in SAVED}
    args = parse(argv, begun)
    check_options(args, begun, MAY_CHANGE)
    if args.epochs < saved["epoch"]:
        raise ValueError(f"--epochs: {saved['epoch']} are done already, got {args.epochs}")
    return args


def main(argv: list[str] | None = None) -> int:
    try:
        args, saved = parse(argv), None
        if args.generate:
            return write_from(args)
        checkpoints = Checkpoints(args.out)
        if args.resume:
            saved = checkpoints.load()
            if saved is None:
                print(f"{args.out} has no checkpoint: beginning a new run", file=sys.stderr)
            else:
                args = resumed(argv, saved)
        return train(args, checkpoints, saved)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, RuntimeError, Diverged) as error:
        print(f"char_rnn.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 1 if isinstance(error, Diverged) else 2  # 2: what the user can mend


if __name__ == "__main__":
    sys.exit(main())
