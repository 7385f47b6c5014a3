"""Programs for the compiled kernels: instructions on matrices (batch, columns), run step by step.

Nothing may go from one sequence to another, so that every thread runs all steps for sequences of
its own, and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import cpu
from ..fused.steps import Array
from .memory import LINE, aligned

_NEAR = 1024  # bytes: rows at such distances share few lines of the cache
_NARROW = 64  # columns, below which rows lie without gaps
_ELEMENTWISE = 8  # what an elementwise operation on a number costs, in products of numbers
_OVER_COLUMNS = ("SUM", "DOT", "LARGEST_OF")
_PRODUCTS = ("PRODUCT", "PRODUCT_ADD")


class Unsuited(Exception):
    """No program can do this."""


class Space(NamedTuple):
    """Memory that a run makes: of `places` matrices, with a row for each of `sequences`."""

    places: int
    sequences: int
    columns: int


class Given(NamedTuple):
    """What a run gets under a key, as it is or, with `panels`, packed for a product."""

    key: Hashable
    panels: bool = False


class Constant(NamedTuple):
    """What a run gets under a key, the same for all steps: it broadcasts to (batch, columns)."""

    key: Hashable
    shape: tuple[int, ...]
    dtype: Any
    turned: bool = False

    @property
    def T(self) -> Constant:
        """The transposed matrix."""
        return self._replace(shape=self.shape[::-1], turned=not self.turned)


class Matrix:
    """A value of a program.

    Attributes:
        columns: how many there are.
        slot: the number of its memory (places, sequences or 1, columns or 1), of which step s uses
            the place (s + ahead) % places. None: memory that others get when it is done with.
        base, begin: the matrix whose columns from `begin` these are; None if it is one of its own.
    """

    __slots__ = ("ahead", "base", "begin", "columns", "slot")

    def __init__(
        self, columns: int, slot: int | None = None, ahead: int = 0,
        base: Matrix | None = None, begin: int = 0,
    ) -> None:  # fmt: skip
        self.columns, self.slot, self.ahead = columns, slot, ahead
        self.base, self.begin = base, begin

    def part(self, begin: int, end: int) -> Matrix:
        """These columns of it, in the same memory."""
        return Matrix(end - begin, base=self.root(), begin=self.begin + begin)

    def root(self) -> Matrix:
        """The matrix that has the memory."""
        return self.base or self

    def later(self) -> Matrix:
        """It at the next step."""
        return Matrix(self.columns, self.slot, self.ahead + 1)


class _Instruction(NamedTuple):
    name: str
    out: Matrix
    args: tuple[Matrix, ...]


class Program:
    """Instructions for `batch` sequences, all of one real dtype: `emit` them, then `start` it as
    often as you like."""

    def __init__(self, batch: int, dtype: np.dtype[Any]) -> None:
        self.batch, self.dtype, self.work = batch, dtype, 0
        self.slots: list[Space | Given | Array] = []
        self._line: list[_Instruction] = []
        self._known: dict[Any, Matrix] = {}

    def space(self, places: int, columns: int, sequences: int | None = None) -> Matrix:
        """A matrix with memory of its own for so many steps."""
        return self._new(columns, Space(places, sequences or self.batch, columns))

    def given(self, key: Hashable, columns: int, ahead: int = 0) -> Matrix:
        """What a run gets under this key, (places, batch or 1, columns)."""
        matrix = self._new(columns, Given(key))
        matrix.ahead = ahead
        return matrix

    def keep(self, matrix: Matrix, places: int) -> None:
        """Give it memory for so many steps, if it has none."""
        root = matrix.root()
        if root.slot is None:
            root.slot = self.space(places, root.columns).slot

    def keys(self, matrices: Iterable[Matrix]) -> set[Hashable]:
        """Those under which a run gets these, of those that it gets."""
        numbers = {m.root().slot for m in matrices}
        slots = [slot for number, slot in enumerate(self.slots) if number in numbers]
        return {slot.key for slot in slots if isinstance(slot, Given)}

    def packed(self, constant: Constant) -> Matrix:
        """A matrix (depth, columns) for PRODUCT."""
        if len(constant.shape) != 2 or constant.dtype != self.dtype or 0 in constant.shape:
            raise Unsuited(f"a product with {constant.dtype} of shape {constant.shape}")
        if constant not in self._known:
            self._known[constant] = self._new(constant.shape[1], Given(constant, panels=True))
        return self._known[constant]

    def _new(self, columns: int, slot: Space | Given | Array) -> Matrix:
        self.slots.append(slot)
        return Matrix(columns, len(self.slots) - 1)

    def _matrix(self, value: Any) -> Matrix:
        if isinstance(value, Matrix):
            return value
        key = ("rows", value)
        if key not in self._known:
            if not isinstance(value, Constant):
                made = self._new(1, np.full((1, 1, 1), value, self.dtype))
            elif len(value.shape) > 2 or (
                len(value.shape) == 2 and value.shape[0] not in (1, self.batch)
            ):
                raise Unsuited(f"a constant of shape {value.shape}")
            else:
                made = self._new(value.shape[-1] if value.shape else 1, Given(value))
            self._known[key] = made
        return self._known[key]

    def emit(self, name: str, *values: Any, out: Matrix | None = None) -> Matrix:
        """An operation of program.h on matrices, numbers and constants; its result.

        Raises Unsuited for what does not fit together."""
        args = tuple(map(self._matrix, values))
        columns = max(arg.columns for arg in args)
        self.work += self.batch * columns * _ELEMENTWISE
        if name in _PRODUCTS:
            columns = args[1].columns
            self.work += self.batch * columns * args[0].columns
        elif not columns or any(arg.columns not in (1, columns) for arg in args):
            raise Unsuited(f"{name} of {[arg.columns for arg in args]} columns")
        elif name in _OVER_COLUMNS:
            columns = 1
        out = Matrix(columns) if out is None else out
        self._line.append(_Instruction(name, out, args))
        return out

    def column_sums(self, matrix: Matrix) -> Matrix:
        """The sums of each column over all sequences and all steps that run, in parts that are to
        be added up: its rows."""
        sums = self.space(1, matrix.columns, -(-self.batch // cpu.SEQUENCES))
        return self.emit("COLUMN_SUMS", matrix, out=sums)

    def assemble(self) -> tuple[Array, list[Matrix]]:
        """The instructions that matter as numbers, and the matrices that these speak of. Values
        without memory get some, which others have when they are done with."""
        last_use: dict[Matrix, int] = {}
        needed = []
        for number in range(len(self._line) - 1, -1, -1):
            _, out, args = self._line[number]
            if out.root().slot is not None or out.root() in last_use:
                needed.append(number)
                for arg in args:
                    last_use.setdefault(arg.root(), number)
        code: list[list[int]] = []
        operands: list[Matrix] = []
        numbers: dict[Any, int] = {}

        def operand(matrix: Matrix) -> tuple[int, int]:
            root = matrix.root()
            key = root.slot, matrix.begin, matrix.columns
            if key not in numbers:
                numbers[key] = len(operands)
                operands.append(matrix)
            return numbers[key], root.ahead

        free: dict[int, list[int | None]] = {}
        placed: set[Matrix] = set()
        for number in reversed(needed):
            name, out, args = self._line[number]
            done = [
                r for r in {arg.root() for arg in args} if r in placed and last_use[r] == number
            ]
            read = [operand(arg) for arg in args]
            # The result may take an argument's place where each number is read before it is written
            split = {arg.root() for arg in args if arg.base is not None}
            moves = name in _PRODUCTS or name in _OVER_COLUMNS
            early = [] if moves else [root for root in done if root not in split]
            for root in early:
                free.setdefault(root.columns, []).append(root.slot)
            root = out.root()
            if root.slot is None:
                spare = free.get(root.columns)
                root.slot = spare.pop() if spare else self.space(1, root.columns).slot
                placed.add(root)
            for root in done:
                if root not in early:
                    free.setdefault(root.columns, []).append(root.slot)
            fields = [field for pair in (operand(out), *read) for field in pair]
            code.append([cpu.OPERATIONS[name], *fields, *[-1] * (8 - len(fields))])
        return np.array(code, np.intp).reshape((-1, 9)), operands


class Assembled:
    """A program that is ready to run.

    Attributes:
        reads: the keys of what it reads.
    """

    def __init__(self, program: Program) -> None:
        self._code, self._operands = program.assemble()
        self.reads = frozenset(program.keys(self._operands))
        self._slots, self._work = program.slots, program.work
        self._batch, self._dtype = program.batch, program.dtype

    def start(self, given: Mapping[Hashable, Any]) -> Run:
        """Memory for a run on these arrays, by their keys; of what it does not read it needs
        none."""
        return Run(self, [self._memory(slot, given) for slot in self._slots])

    def _memory(self, slot: Space | Given | Array, given: Mapping[Hashable, Any]) -> Any:
        if isinstance(slot, Space):
            return _space(slot, self._dtype)
        if not isinstance(slot, Given):
            return slot
        constant = slot.key
        if not isinstance(constant, Constant):
            array = given.get(constant)
            if array is None:
                return None
            if array.dtype != self._dtype:  # conditions are 1 or 0
                return array.astype(self._dtype)
            return array if array.strides[2] == array.itemsize else array.copy()
        array = given[constant.key].T if constant.turned else given[constant.key]
        if slot.panels:
            return _panels(array)
        array = np.ascontiguousarray(array, self._dtype)
        return array.reshape((1,) * (3 - array.ndim) + array.shape)

    def run(self, memory: list[Array], first: int, steps: int, by: int) -> None:
        arrays = tuple(_columns(matrix, memory) for matrix in self._operands)
        members = cpu.members_for(self._work * steps)
        double = self._dtype.char == "d"
        cpu.run_program(double, members, self._batch, first, steps, by, self._code, arrays)


class Run:
    """A program at work."""

    def __init__(self, program: Assembled, memory: list[Array]) -> None:
        self._program, self._memory = program, memory

    def __call__(self, first: int, steps: int, by: int = 1) -> None:
        """All instructions, for so many steps."""
        self._program.run(self._memory, first, steps, by)

    def array(self, matrix: Matrix) -> Array:
        """The memory of a matrix, (places, sequences, columns)."""
        return _columns(matrix, self._memory)

    def rows(self, matrix: Matrix, first: int, last: int) -> Array:
        """A matrix at the steps from first to last, one below the other."""
        array = self.array(matrix)
        start = (first + matrix.root().ahead) % len(array)
        return array[start : start + last - first].reshape((-1, matrix.columns))


def _columns(matrix: Matrix, memory: list[Array]) -> Array:
    slot = matrix.root().slot
    assert slot is not None
    if matrix.base is None:
        return memory[slot]
    return memory[slot][:, :, matrix.begin : matrix.begin + matrix.columns]


def _space(space: Space, dtype: np.dtype[Any]) -> Array:
    """Rows begin with lines of the cache, and do not all share the same few."""
    places, sequences, columns = space
    line, pitch = LINE // dtype.itemsize, columns
    if columns >= _NARROW:
        pitch = -(-columns // line) * line
        pitch += line if pitch * dtype.itemsize % _NEAR == 0 else 0
    return aligned((places, sequences, pitch), dtype)[:, :, :columns]


def _panels(matrix: Array) -> Array:
    """A matrix (depth, columns) as the kernels in use read it for products."""
    if matrix.itemsize not in matrix.strides:
        matrix = matrix.copy()
    depth, columns = matrix.shape
    wide = cpu.panel_columns(matrix.dtype)
    panels = aligned((1, 1, -(-columns // wide) * wide * depth), matrix.dtype)
    cpu.pack(matrix, panels)
    return panels


def make(batch: int, dtype: np.dtype[Any]) -> Program | None:
    """An empty program; None where the kernels do not run these."""
    if cpu.in_use() == "numpy" or not batch or dtype.char not in "fd":
        return None
    return Program(batch, dtype)
