"""How the work of a sequence kernel is cut into blocks and threads: the table, and the choice for
a layer. docs/gpu-kernels.md explains the words."""

from __future__ import annotations

from typing import NamedTuple

FLOAT = 4  # bytes


class Tile(NamedTuple):
    """The shape of a block's work, which a kernel is compiled for.

    capacity: the largest hidden size.
    units: hidden units of a block.
    threads: of a block.
    forward_span, backward_span: rows and columns of W_hh of which a thread holds a part.
    """

    capacity: int
    units: int
    threads: int
    forward_span: int
    backward_span: int

    def options(self) -> tuple[str, ...]:
        """For the compiler."""
        return tuple(f"-D{name.upper()}={value}" for name, value in self._asdict().items())

    def registers(self, gates: int) -> int:
        """The weights that a thread holds."""
        return gates * self.units * self.capacity // self.threads

    def shared(self, gates: int, backward: bool) -> int:
        """Bytes of shared memory for each sequence of a group: the tile and the partial sums."""
        if backward:
            slices = self.threads * self.backward_span // self.units
            return FLOAT * (gates * self.capacity + slices * self.units)
        slices = self.threads * self.forward_span // (gates * self.units)
        return FLOAT * (self.capacity + slices * gates * self.units)


# For each number of gates, by rising capacity: a hidden size takes the first that holds it. At most
# 64 weights in a thread's registers, so that with 512 threads (128 registers each) nothing spills.
TILES = {
    1: (  # RNN
        Tile(32, 32, 128, 2, 1),
        Tile(64, 64, 256, 2, 2),
        Tile(128, 128, 512, 4, 4),
        Tile(256, 32, 256, 2, 2),
        Tile(512, 64, 512, 2, 2),
        Tile(1024, 32, 512, 2, 2),
    ),
    3: (  # GRU
        Tile(32, 32, 128, 3, 1),
        Tile(64, 64, 256, 3, 2),
        Tile(128, 64, 512, 3, 2),
        Tile(256, 32, 512, 3, 2),
        Tile(512, 16, 512, 3, 2),
        Tile(1024, 8, 512, 3, 1),
    ),
    4: (  # LSTM
        Tile(32, 32, 128, 4, 1),
        Tile(64, 64, 256, 4, 2),
        Tile(128, 64, 512, 4, 2),
        Tile(256, 32, 512, 4, 2),
        Tile(512, 16, 512, 4, 2),
        Tile(1024, 8, 512, 4, 1),
    ),
}


def tile_for(gates: int, hidden: int) -> Tile | None:
    """The smallest tile for a hidden size, None if there is none."""
    return next((tile for tile in TILES[gates] if hidden <= tile.capacity), None)


# ----- the choice for a layer -----

PASSES = 4  # over the batch: with more, a product for all sequences at each step is faster


class Arrangement(NamedTuple):
    """The launch of a sequence kernel.

    blocks: of a group, each with its hidden units.
    groups: that work beside each other.
    rows: sequences of a group at a time.
    shared: bytes of shared memory of a block.
    """

    blocks: int
    groups: int
    rows: int
    shared: int


def arrange(
    tile: Tile, gates: int, backward: bool, hidden: int, batch: int, processors: int, limit: int
) -> Arrangement | None:
    """How a batch is spread over a GPU, one block on each of its processors. None if it is too
    large for the GPU or for the kernel.

    Args:
        processors: of the GPU.
        limit: bytes of shared memory that a block may have.
    """
    blocks = -(-hidden // tile.units)
    groups = processors // blocks
    shared = tile.shared(gates, backward)
    most = min(tile.threads // tile.units, limit // shared)
    if not (groups and most):
        return None
    passes = -(-batch // (groups * most))
    if passes > PASSES:
        return None
    rows = -(-batch // (groups * passes))
    return Arrangement(blocks, min(groups, -(-batch // rows)), rows, rows * shared)
