"""Timing small pieces of code, under PyTorch's names."""

from __future__ import annotations

import statistics
import timeit
from collections import defaultdict
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from .. import settings
from ..autograd.hints import TellingAll
from ..autograd.profiler import time_in_words


class Measurement(TellingAll):
    """How long runs of a piece of code took.

    Attributes:
        number_per_run: how often the code ran in each.
        raw_times: seconds of each run; `times` are those of one execution.
        label, sub_label, description, num_threads: of the `Timer`.

    >>> torch.utils.benchmark.Measurement(10, [20.0, 40.0, 30.0]).median
    3.0
    """

    def __init__(
        self, number_per_run: int, raw_times: list[float], label: str = "", sub_label: str = "",
        description: str = "", num_threads: int = 1,
    ) -> None:  # fmt: skip
        self.number_per_run, self.raw_times = number_per_run, raw_times
        self.label, self.sub_label, self.description = label, sub_label, description
        self.num_threads = num_threads

    @property
    def times(self) -> list[float]:
        """Seconds of one execution, of each run."""
        return [seconds / self.number_per_run for seconds in self.raw_times]

    @property
    def median(self) -> float:
        """Seconds of one execution, the median of all runs."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """Seconds of one execution, on average."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """Seconds between the first and the third quartile of all runs."""
        if len(self.raw_times) < 2:
            return 0.0
        first, _, third = statistics.quantiles(self.times, method="inclusive")
        return third - first

    @property
    def title(self) -> str:
        """What was timed."""
        return f"{self.label}{': ' if self.sub_label else ''}{self.sub_label}"

    def __repr__(self) -> str:
        several = len(self.raw_times) > 1
        lines = [
            f"<{type(self).__module__}.Measurement object at {id(self):#x}>",
            self.title,
            *([self.description] if self.description else []),
            f"  {'Median: ' if several else ''}{time_in_words(self.median * 1e6)}",
            *([f"  IQR:    {time_in_words(self.iqr * 1e6)}"] if several else []),
            f"  {len(self.raw_times)} measurement{'s' * several}, {self.number_per_run} runs "
            f"{'per measurement' if several else ''}, {self.num_threads} "
            f"thread{'s' * (self.num_threads > 1)}".replace(" , ", ", "),
        ]
        return "\n".join(lines)


class Timer(TellingAll):
    """Times a statement, given as text, after a first run that is not counted.

    Args:
        stmt, setup: what is timed; what runs before, once.
        global_setup: only for C++ in PyTorch: to be left empty.
        timer: returns seconds.
        globals: the names that both see.
        label, sub_label, description: name the result; see `Compare`.
        num_threads: how many threads products of matrices may use meanwhile.

    >>> timer = torch.utils.benchmark.Timer("x + 1", globals={"x": torch.ones(2)})
    >>> timer.timeit(3).number_per_run
    3
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = perf_counter, globals: dict[str, Any] | None = None,
        label: str | None = None, sub_label: str | None = None, description: str | None = None,
        env: str | None = None, num_threads: int = 1, language: Any = "py",
    ) -> None:  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if str(getattr(language, "value", language)).lower() not in ("py", "python", "0"):
            raise ValueError(f"only Python can be timed, got language {language!r}")
        if global_setup:
            raise ValueError("global_setup is C++ only, got " + repr(global_setup))
        self._named = {
            "label": label or ("stmt" if "\n" in stmt else stmt),
            "sub_label": sub_label or "",
            "description": description or "",
            "num_threads": num_threads,
        }
        self._num_threads = num_threads
        self._timer = timeit.Timer(stmt, setup, timer, {**(globals or {})})

    def _measured(self, number: int, count: int = 1) -> list[float]:
        before = settings.get_num_threads()
        if self._num_threads != before:
            settings.set_num_threads(self._num_threads)
        try:
            return [max(self._timer.timeit(number), 1e-9) for _ in range(count)]
        finally:
            if self._num_threads != before:
                settings.set_num_threads(before)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One run of `number` executions."""
        self._measured(max(number // 100, 2))
        return Measurement(number, self._measured(number), **self._named)  # type: ignore[arg-type]

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Not there, as in PyTorch: raises NotImplementedError."""
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    autorange = repeat

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Runs, each of so many executions that reading the clock does not matter, for at least
        min_run_time seconds. callback gets the number of executions and the seconds of each."""
        number = 1
        while (self._measured(number)[0] < min_run_time / 1000) and number < 10**9:
            number *= 10
        return self._collected(number, min_run_time, callback, lambda times: True)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:  # fmt: skip
        """As `blocked_autorange`, until the interquartile range is below threshold times the
        median, or max_run_time seconds have passed."""
        began = perf_counter()
        number = 1
        while (self._measured(number)[0] < min_run_time / 1000) and number < 10**9:
            number *= 10

        def steady(times: list[float]) -> bool:
            found = Measurement(1, times)
            small = len(times) > 3 and found.iqr < threshold * found.median
            return small or perf_counter() - began > max_run_time

        return self._collected(number, min_run_time, callback, steady)

    def _collected(
        self, number: int, least: float, callback: Callable[[int, float], Any] | None,
        enough: Callable[[list[float]], bool],
    ) -> Measurement:  # fmt: skip
        times: list[float] = []
        while sum(times) < least or not enough(times):
            times += self._measured(number)
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, **self._named)  # type: ignore[arg-type]


class Compare(TellingAll):
    """Several `Measurement`s as a table: a row for each sub_label, a column for each description.

    >>> one = torch.utils.benchmark.Measurement(1, [1.0], "sum", "small", "plain")
    >>> print(torch.utils.benchmark.Compare([one]))
    sum         plain
    small      1.000s
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add more."""
        self._results += results

    def trim_significant_figures(self) -> None:
        """Nothing: all have three digits behind the point."""

    def colorize(self, rowwise: bool = False) -> None:
        """Nothing: the table is plain text."""

    def __str__(self) -> str:
        lines = []
        for label in dict.fromkeys(result.label for result in self._results):
            own = [result for result in self._results if result.label == label]
            titles = list(dict.fromkeys(result.description for result in own))
            rows: dict[str, dict[str, str]] = defaultdict(dict)
            for result in own:
                many = f" ({result.num_threads} threads)" if result.num_threads > 1 else ""
                row = rows[result.sub_label + many]
                row[result.description] = time_in_words(result.median * 1e6)
            width = max(map(len, [label, *rows]))
            columns = [max(10, len(title)) for title in titles]

            def line(name: str, cells: Iterable[str], width: int, columns: list[int]) -> str:
                parts = (cell.rjust(n) for cell, n in zip(cells, columns, strict=True))
                return "  ".join([name.ljust(width), *parts]).rstrip()

            lines.append(line(label, titles, width, columns))
            lines += [
                line(name, [row.get(title, "") for title in titles], width, columns)
                for name, row in rows.items()
            ]
        return "\n".join(lines)

    def print(self) -> None:
        """Print the table."""
        print(self)
