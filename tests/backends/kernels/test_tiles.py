"""The table of tiles, and how batches are spread over GPUs."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tinygrad_rnn.backends.kernels import tiles

ALL = [(gates, tile) for gates, row in tiles.TILES.items() for tile in row]


@pytest.mark.parametrize("gates, tile", ALL)
def test_the_table(gates, tile):
    """Threads share the work evenly, and none holds more than 64 weights."""
    assert tile.registers(gates) <= 64
    assert tile.registers(gates) * tile.threads == gates * tile.units * tile.capacity
    assert tile.capacity % tile.units == 0 and tile.threads % tile.units == 0
    for outputs, inputs, span in (
        (gates * tile.units, tile.capacity, tile.forward_span),
        (tile.units, gates * tile.capacity, tile.backward_span),
    ):
        lanes = outputs // span
        assert lanes * span == outputs and tile.threads % lanes == 0
        assert inputs % (4 * tile.threads // lanes) == 0
    row = [other.capacity for other in tiles.TILES[gates]]
    assert row == sorted(set(row))


@pytest.mark.parametrize(
    "gates, hidden, capacity",
    [(1, 1, 32), (3, 32, 32), (3, 33, 64), (4, 256, 256), (4, 1000, 1024), (1, 1025, None)],
)
def test_the_smallest_that_holds(gates, hidden, capacity):
    tile = tiles.tile_for(gates, hidden)
    assert (tile and tile.capacity) == capacity


@given(
    st.sampled_from(ALL), st.booleans(), st.integers(1, 1024), st.integers(1, 5000),
    st.integers(1, 200), st.sampled_from([48, 99, 163, 227]),
)  # fmt: skip
def test_arrangements(kind, backward, hidden, batch, processors, kilobytes):
    """Whatever is launched fits the GPU and does the whole batch."""
    gates, tile = kind
    hidden, limit = min(hidden, tile.capacity), kilobytes * 1024
    plan = tiles.arrange(tile, gates, backward, hidden, batch, processors, limit)
    blocks = -(-hidden // tile.units)
    if plan is None:
        most = min(tile.threads // tile.units, limit // tile.shared(gates, backward))
        assert batch > tiles.PASSES * (processors // blocks) * most
        return
    assert plan.blocks == blocks and blocks * plan.groups <= processors
    assert plan.shared == plan.rows * tile.shared(gates, backward) <= limit
    assert plan.rows * tile.units <= tile.threads
    assert (plan.groups - 1) * plan.rows < batch
    assert batch <= tiles.PASSES * plan.groups * plan.rows


@pytest.mark.parametrize(
    "hidden, batch, plan",
    [
        (256, 32, (8, 16, 2)),
        (512, 32, (32, 4, 8)),
        (100, 1, (2, 1, 1)),
        (32, 200, (1, 100, 2)),
        (1024, 32, (128, 1, 11)),
    ],
)
def test_lstm_on_an_h100(hidden, batch, plan):
    tile = tiles.tile_for(4, hidden)
    assert tuple(tiles.arrange(tile, 4, True, hidden, batch, 132, 227 * 1024))[:3] == plan
