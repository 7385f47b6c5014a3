"""Mutated files of every format: refused, or loaded as they were; never anything else.

A file is cut, bits, bytes and blocks of it are changed, exchanged and inserted, the numbers that
say where things are get other values; and what is inside is changed and sealed again with the
right checksums, so that the code behind them is reached. Loading must end with a CheckpointError
or with data, soon, in little memory, and without running, importing or opening anything. What was
not sealed again may load as the original alone.

The safetensors files of other programs have no checksum, and no change of one that leaves a file
of that format can be seen: what is loaded is compared with what a plain reader makes of the bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import faulthandler
import functools
import importlib
import importlib.util
import io
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import tinygrad_rnn as torch
from tinygrad_rnn import Tensor, nn
from tinygrad_rnn.serialization import CheckpointError, pt_write, safe_globals, safetensors_file

from .figures import figure, progress
from .mutations import (
    MUTATORS,
    Mutator,
    changed_archive,
    changed_safetensors,
    header_of,
    unzipped,
    with_header,
)

# Without PyTorch its files are left out
pytorch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None

SUBJECT = "corrupt"
SECONDS = 20.0  # that loading may take: a file takes milliseconds
MEMORY = 250, 1_000_000  # bytes that loading may take: for each of the file's, and in any case
ADDRESSES = 1 << 30  # bytes of address space that the process may take beyond its start
# What is told to the audit hook when something runs; "open" is one more, of other files
RUNNING = ("exec", "compile", "import", "pickle.", "os.", "subprocess.", "socket.", "ctypes.",
           "shutil.", "sys.", "code.", "marshal.", "mmap.")  # fmt: skip


# ----- the originals -----


def an_object(t: Any) -> dict[str, Any]:
    """Data of all kinds, with the tensors of either library."""
    whole = t.arange(24.0).reshape(2, 3, 4)
    return {
        "model": OrderedDict(weight=t.arange(6.0).reshape(2, 3), bias=t.ones(3)),
        "dtypes": [t.arange(4).to(kind) for kind in (t.bool, t.uint8, t.int64, t.float16)],
        "views": [whole, whole[1], whole.permute(2, 0, 1)[1:, :, ::2], t.ones(1).expand(3)],
        "leaf": t.ones(2, requires_grad=True),
        "optimizer": {"state": {0: {"step": t.tensor(3.0)}}, "lr": 1e-3, "betas": (0.9, 0.999)},
        "numbers": [0, 255, 65536, -1, 2**40, 1.5, float("inf"), True, None],
        "empty": [t.zeros(0), {}, [], ()],
        "text": "größe",
    }  # fmt: skip


@dataclasses.dataclass
class Config:
    """A class of a user's own."""

    size: int
    weight: Any = None


class Color(enum.Enum):
    RED = 1


class Slotted:
    __slots__ = ("x",)


LISTED = (Config, Color, Slotted)


def listed_objects() -> list[Any]:
    """Objects of all that is listed, which hold data of all kinds."""
    slotted = Slotted()
    slotted.x = torch.ones(2)  # type: ignore[attr-defined]
    return [Config(3, an_object(torch)), Color.RED, slotted]


class Format(NamedTuple):
    """An original, and how its mutated kin are loaded and judged."""

    content: bytes
    suffix: str
    options: Mapping[str, Any] = MappingProxyType({})
    judge: Callable[[bytes], Any] | None = None  # what must be loaded from other bytes
    reseal: Mutator | None = None  # a change inside, and the right checksums around it
    listed: tuple[Any, ...] = ()  # by `safe_globals`


def originals() -> dict[str, Format]:
    data = an_object(torch)
    pt = pt_write.write(data)
    model = nn.Sequential(nn.Linear(2, 3), nn.GRU(3, 2))
    made = {
        "pt": Format(pt, ".pt", reseal=changed_archive),
        "pt deflated": Format(zipped(unzipped(pt), zipfile.ZIP_DEFLATED), ".pt"),
        "safetensors": Format(
            safetensors_file.write(data), ".safetensors", reseal=changed_safetensors
        ),
        "module": Format(saved(model), ".pt", {"weights_only": False}),
        "module, not trusted": Format(saved(model), ".pt"),
        "objects of listed classes": Format(
            saved(listed_objects()), ".pt", reseal=changed_archive, listed=LISTED
        ),
        "pickle, not trusted": Format(pickle.dumps(model), ".pt"),
        "foreign safetensors": Format(foreign(data), ".safetensors", judge=plainly_read),
    }
    if pytorch is not None:
        content = io.BytesIO()
        pytorch.save(an_object(pytorch), content)
        made["PyTorch's pt"] = Format(content.getvalue(), ".pt", reseal=changed_archive)
    return made


def saved(obj: Any) -> bytes:
    file = io.BytesIO()
    torch.save(obj, file)
    return file.getvalue()


def zipped(files: dict[str, bytes], method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in files.items():
            file.writestr(f"archive/{name}", data)
    return content.getvalue()


def foreign(data: dict[str, Any]) -> bytes:
    """The file of another program: no structure, no checksum."""
    header, body = header_of(safetensors_file.write(data))
    return with_header({**header, "__metadata__": {"format": "pt"}}, body)


def plainly_read(content: bytes) -> Any:
    """A safetensors file as its bytes have it."""
    header, body = header_of(content)
    header.pop("__metadata__", None)
    kinds = {"F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool", "U8": "uint8",
             "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64"}  # fmt: skip
    found = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        kind, part = kinds[about["dtype"]], body[begin:end]
        part = bytes(map(bool, part)) if kind == "bool" else part
        found[name] = ("Tensor", kind, tuple(about["shape"]), False, part)
    return "dict", tuple((described(name), tensor) for name, tensor in found.items())


# ----- what was loaded -----


def described(value: Any) -> Any:
    """Data as nested tuples that are equal for equal data alone. Raises TypeError for others."""
    kind = type(value).__name__
    if isinstance(value, Tensor):
        content = value.detach().contiguous().numpy().tobytes()
        return kind, value.dtype.name, tuple(value.shape), value.requires_grad, content
    if isinstance(value, nn.Module):
        return kind, repr(value), described(value.state_dict())
    if isinstance(value, dict):
        items = tuple((described(key), described(item)) for key, item in value.items())
        metadata = getattr(value, "_metadata", None)
        return (kind, items) if metadata is None else (kind, items, described(metadata))
    if isinstance(value, list | tuple):
        return kind, tuple(map(described, value))
    if isinstance(value, set):
        return kind, tuple(sorted(map(repr, value)))
    if isinstance(value, Config):
        return kind, described(vars(value))
    if isinstance(value, Slotted):
        return kind, described(getattr(value, "x", None))
    if isinstance(value, Color) or value in LISTED:
        return kind, repr(value)
    plain = (bool, int, float, complex, str, bytes, bytearray, torch.dtype, torch.device)
    if value is None or isinstance(value, plain):
        return kind, repr(value)
    raise TypeError(f"{type(value)} is no data")


# ----- loading under guard -----


class Hung(BaseException):
    """Loading takes too long."""


class Guard:
    """Watches that loading runs nothing, opens no other file, and comes to an end."""

    def __init__(self) -> None:
        self._watching, self._path = False, ""
        self.events: list[str] = []
        sys.addaudithook(self._hook)
        signal.signal(signal.SIGALRM, self._hang)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        # A file that names a GPU has CuPy looked for
        if event == "os.listdir" or "cupy" in repr(arguments):
            return
        if self._watching and (
            event.startswith(RUNNING) or (event == "open" and str(arguments[0]) != self._path)
        ):
            self.events.append(f"{event} {arguments!r:.100}")

    def _hang(self, *_: object) -> None:
        raise Hung(f"more than {SECONDS:.0f} s")

    @contextmanager
    def watching(self, path: Path, running: bool) -> Iterator[None]:
        self._path, self._watching = str(path), not running
        self.events.clear()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._watching = False


class Trial:
    """Loads mutated files, one after the other, and counts what becomes of them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        self.longest, self.largest = 0.0, 0.0
        self._seed, self._guard, self._formats = seed, Guard(), originals()
        self._paths = {
            form.suffix: folder / f"mutated{form.suffix}" for form in self._formats.values()
        }
        self._expected = {}
        for name, form in self._formats.items():
            if "not trusted" not in name:
                self._expected[name] = described(self._load(form, form.content))
        resource.setrlimit(resource.RLIMIT_AS, (_addresses() + ADDRESSES,) * 2)

    def _load(self, form: Format, content: bytes) -> Any:
        path = self._paths[form.suffix]
        path.write_bytes(content)
        running = not form.options.get("weights_only", True)
        with safe_globals(list(form.listed)), self._guard.watching(path, running):
            return torch.load(path, **form.options)

    def run(self, number: int) -> None:
        """The mutated file of this number, which depends on nothing but it and the seed."""
        numbers = random.Random(f"{self._seed} {number}")
        name = list(self._formats)[number % len(self._formats)]
        form = self._formats[name]
        resealed = form.reseal is not None and numbers.random() < 0.7
        if resealed and form.reseal is not None:
            content, how = form.reseal(form.content, numbers), "sealed again"
        else:
            mutator = numbers.choice(MUTATORS)
            content, how = mutator(form.content, numbers), mutator.__name__
        tracemalloc.start()
        begin = time.perf_counter()
        try:
            fault = self._judge(name, form, content, resealed)
        except (Exception, Hung) as error:
            fault = f"raised {error!r:.300}"
        self.longest = max(self.longest, time.perf_counter() - begin)
        if not fault and self._guard.events:
            fault = f"did {self._guard.events[0]}"
        tracemalloc.stop()
        if fault:
            self.faults.append(f"--only {number}: {name}, {how}: {fault}")
            print(self.faults[-1], flush=True)

    def _judge(self, name: str, form: Format, content: bytes, resealed: bool) -> str:
        """What is wrong with what the content is loaded as; nothing, if it is right."""
        try:
            loaded = self._load(form, content)
        except CheckpointError as error:
            self.outcomes["refused"] += 1
            if f"{self._paths[form.suffix]}: " not in str(error) or len(str(error)) > 1000:
                return f"the message {error!s:.300}"
            return self._weighed(content)
        if fault := self._weighed(content):
            return fault
        got = described(loaded)
        if resealed:
            self.outcomes["other data, sealed again"] += 1
        elif form.judge is not None:
            self.outcomes["as its bytes have it"] += 1
            if sorted(got[1]) != sorted(form.judge(content)[1]):
                return f"loaded {got!r:.300}"
        else:
            self.outcomes["as the original"] += 1
            if got != self._expected.get(name):
                return f"loaded {got!r:.300}"
        return ""

    def _weighed(self, content: bytes) -> str:
        _, peak = tracemalloc.get_traced_memory()
        limit = MEMORY[0] * len(content) + MEMORY[1]
        self.largest = max(self.largest, peak / limit)
        return f"took {peak} bytes of memory for {len(content)}" if peak > limit else ""


def _addresses() -> int:
    """Bytes of address space that the process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress corrupt", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="how many files (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="for other files (%(default)s)")
    parser.add_argument("--only", type=int, metavar="N", help="the file of this number alone")
    args = parser.parse_args(argv)
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(args.seed, Path(folder))
        for number in range(args.count) if args.only is None else [args.only]:
            trial.run(number)
            if number % 100 == 0:
                progress(f"{number:,} of {args.count:,} files, {len(trial.faults)} faults")
    show = functools.partial(figure, SUBJECT)
    for outcome, count in sorted(trial.outcomes.items()):
        show(f"mutated files: {outcome}", f"{count:,}", "", True)
    show("longest time", f"{trial.longest:.2f} s", f"{SECONDS:.0f} s", trial.longest < SECONDS)
    show("largest memory", f"{trial.largest:.0%} of limit", "100%", trial.largest <= 1)
    good = show("faults", len(trial.faults), 0, not trial.faults)
    return 0 if good else 1
