"""Running a program with this library and with PyTorch, and what is wrong about the outcome."""

from __future__ import annotations

import ast
import contextlib
import io
import opcode
import re
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tinygrad_rnn

ROOT = Path(tinygrad_rnn.__file__).parent
PROGRAM = "<program>"
RAISE = opcode.opmap["RAISE_VARARGS"]
_CALL = "the call"  # where an error came from that is not this library's
SECONDS = 20.0  # of the processor that a call may take
# What functions say they raise; MemoryError for sizes nobody has.
DOCUMENTED = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError,
              NotImplementedError, MemoryError, OverflowError, BufferError)  # fmt: skip
# What Python says of arguments that are missing or too many: it names them
SIGNATURE = re.compile(
    r"[\w.<>]+\(\) (missing \d+ required|takes \d+|takes from \d+|takes no arguments|"
    r"takes exactly|got an unexpected keyword|"
    r"got multiple values|got some positional)"
)


class Hang(BaseException):
    """A call takes too long."""


class Outcome(NamedTuple):
    """What a program gave: the shapes and dtypes of its result, or an error."""

    form: Any = None
    error: BaseException | None = None
    warned: tuple[str, ...] = ()


class Fault(NamedTuple):
    """Something wrong. `hard` ones may not be; others are differences from PyTorch."""

    kind: str
    where: str
    text: str
    hard: bool


# ----- running -----


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise Hang if the block computes for longer. (Only Python code can be interrupted so.)"""

    def stop(*_: object) -> None:
        raise Hang(f"longer than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _reset(library: Any) -> None:
    """What a program may have changed for all later ones."""
    library.set_default_dtype(library.float32)
    library.set_grad_enabled(True)
    library.manual_seed(0)


def form(value: Any, depth: int = 0) -> Any:
    """Shapes, dtypes and kinds of a result."""
    if hasattr(value, "dtype") and hasattr(value, "requires_grad"):
        return tuple(value.shape), str(value.dtype)
    if isinstance(value, list | tuple) and depth < 4:
        return [form(item, depth + 1) for item in value]
    if isinstance(value, bool | int | float | str | type(None)):
        return type(value).__name__
    return "object"


def _namespace(library: Any) -> dict[str, Any]:
    names = {"torch": library, "nn": library.nn, "F": library.nn.functional, "optim": library.optim}
    if library is tinygrad_rnn:
        names["text"] = __import__("tinygrad_rnn.text").text
    return names


def run(program: str, library: Any) -> Outcome:
    """Run a program with a library."""
    tree = ast.parse(program)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    names = _namespace(library)
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        # As everywhere: see backends/numpy_backend.py
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tinygrad_rnn\.")
        _reset(library)
        try:
            with limited(SECONDS):
                exec(compile(tree, PROGRAM, "exec"), names)
                value = None
                if last is not None:
                    expression = ast.Expression(last.value)  # type: ignore[attr-defined]
                    value = eval(compile(expression, PROGRAM, "eval"), names)
                outcome = Outcome(form(value))
        except (Exception, Hang) as error:
            outcome = Outcome(error=error)
        finally:
            names.clear()
            _reset(library)
    texts = [
        f"{w.category.__name__}: {w.message}"
        for w in warned
        # Our own are shown at the program's line
        if w.filename != PROGRAM and not issubclass(w.category, UserWarning | SyntaxWarning)
    ]
    return outcome._replace(warned=tuple(texts))


# ----- judging -----


def _site(error: BaseException) -> tuple[str, bool]:
    """Where an error came from, and whether that is a `raise` of this library's, or the program's
    own line."""
    place = error.__traceback__
    own = last = None
    while place is not None:
        last = place
        if place.tb_frame.f_code.co_filename.startswith(str(ROOT)):
            own = place
        place = place.tb_next
    if own is None or last is None:
        return _CALL, True
    code = own.tb_frame.f_code
    where = f"{Path(code.co_filename).relative_to(ROOT)}:{own.tb_lineno} {code.co_name}"
    raised = own is last and code.co_code[own.tb_lasti] == RAISE
    at_program = last.tb_frame.f_code.co_filename == PROGRAM
    return where, raised or at_program or bool(SIGNATURE.match(str(error)))


def _documented(error: BaseException, told: bool) -> bool:
    if isinstance(error, AssertionError):
        return told and bool(str(error))  # with PyTorch's words, not a bare assertion
    own = not type(error).__module__.startswith("numpy") or isinstance(error, MemoryError)
    return own and isinstance(error, DOCUMENTED)


def _short(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error))
    return f"{type(error).__name__}: {text[:160]}"


def own_faults(outcome: Outcome) -> list[Fault]:
    """What is wrong whatever PyTorch does."""
    found = [Fault("a warning", text[:60], text, True) for text in outcome.warned]
    error = outcome.error
    if error is None:
        return found
    where, told = _site(error)
    if isinstance(error, NameError) and where == _CALL:
        return found  # a change took away what the program names
    if isinstance(error, Hang):
        found.append(Fault("a hang", where, _short(error), True))
    elif not _documented(error, told):
        found.append(Fault("an undocumented kind", where, _short(error), True))
    elif not told and not isinstance(error, MemoryError):
        found.append(Fault("an internal message", where, _short(error), True))
    return found


def differences(mine: Outcome, theirs: Outcome) -> list[Fault]:
    """What is not as with PyTorch: wrong shapes are faults, other kinds of errors are not."""
    if isinstance(theirs.error, Hang | MemoryError) or isinstance(mine.error, Hang | MemoryError):
        return []
    if theirs.error is None and mine.error is None:
        if mine.form == theirs.form:
            return []
        return [Fault("another shape or dtype", "", f"{mine.form}, not {theirs.form}"[:200], True)]
    if theirs.error is None:
        where, _ = _site(mine.error)  # type: ignore[arg-type]
        return [Fault("stricter", where, _short(mine.error), False)]  # type: ignore[arg-type]
    if mine.error is None:
        return [Fault("accepted", "", f"{mine.form}; PyTorch: {_short(theirs.error)}", False)]
    kinds = type(mine.error), type(theirs.error)
    if kinds[0] is kinds[1] or issubclass(kinds[0], kinds[1]) or issubclass(kinds[1], kinds[0]):
        return []
    where, _ = _site(mine.error)
    text = f"{_short(mine.error)}; PyTorch: {_short(theirs.error)}"
    return [Fault(f"{kinds[0].__name__}, not {kinds[1].__name__}", where, text, False)]
