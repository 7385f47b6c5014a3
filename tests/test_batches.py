"""Batches of subsequences: the book's two partitions, and the loader."""

import json
import random
from itertools import islice

import pytest
from hypothesis import given, strategies as st

from tinygrad_rnn.creation import tensor
from tinygrad_rnn.serialization import load, save
from tinygrad_rnn.text import (
    SequenceLoader,
    seq_data_iter_random,
    seq_data_iter_sequential,
)

ITERATORS = [seq_data_iter_sequential, seq_data_iter_random]


# ----- Batches -----


def epoch(iterator, corpus, batch_size, num_steps, rng=None):
    """All batches as pairs of lists of rows."""
    return [(x.tolist(), y.tolist()) for x, y in iterator(corpus, batch_size, num_steps, rng)]


# A corpus of range(n) makes each token its own position, so a batch shows where it was cut.
@st.composite
def sizes(draw):
    batch_size, num_steps = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    shortest = num_steps * (batch_size + 1) + 1
    return draw(st.integers(shortest, shortest + 60)), batch_size, num_steps


@pytest.mark.parametrize("iterator", ITERATORS)
def test_batches_are_int64_tensors(iterator):
    for x, y in iterator(list(range(40)), 2, 5, random.Random(0)):
        assert x.shape == y.shape == (2, 5)
        assert x.dtype == y.dtype == tensor([1]).dtype
        assert str(x.dtype).endswith("int64")


@pytest.mark.parametrize("iterator", ITERATORS)
@given(size=sizes(), seed=st.integers(0, 1000))
def test_every_row_is_a_piece_of_the_corpus_and_its_target_is_one_ahead(iterator, size, seed):
    length, batch_size, num_steps = size
    batches = epoch(iterator, range(length), batch_size, num_steps, random.Random(seed))
    assert batches
    for x, y in batches:
        assert len(x) == len(y) == batch_size
        for row, target in zip(x, y, strict=True):
            assert row == list(range(row[0], row[0] + num_steps))
            assert target == [token + 1 for token in row]
            assert target[-1] < length
    seen = [token for x, _ in batches for row in x for token in row]
    assert len(seen) == len(set(seen))


@given(size=sizes(), seed=st.integers(0, 1000))
def test_sequential_rows_go_on_from_batch_to_batch(size, seed):
    length, batch_size, num_steps = size
    batches = epoch(
        seq_data_iter_sequential, range(length), batch_size, num_steps, random.Random(seed)
    )
    offset = batches[0][0][0][0]
    assert 0 <= offset <= num_steps
    row_length = (length - offset - 1) // batch_size
    assert len(batches) == row_length // num_steps
    for i in range(batch_size):
        read = [token for x, _ in batches for token in x[i]]
        start = offset + i * row_length
        assert read == list(range(start, start + len(batches) * num_steps))


@given(size=sizes(), seed=st.integers(0, 1000))
def test_random_rows_start_at_multiples_of_num_steps_after_the_offset(size, seed):
    length, batch_size, num_steps = size
    batches = epoch(seq_data_iter_random, range(length), batch_size, num_steps, random.Random(seed))
    starts = [row[0] for x, _ in batches for row in x]
    offset = starts[0] % num_steps
    pieces = (length - offset - 1) // num_steps
    assert all(start % num_steps == offset for start in starts)
    assert max(starts) < offset + pieces * num_steps
    assert len(batches) == pieces // batch_size


def test_all_offsets_occur():
    def offsets(iterator):
        rng = random.Random(0)
        return {epoch(iterator, range(50), 1, 4, rng)[0][0][0][0] for _ in range(100)}

    assert offsets(seq_data_iter_sequential) == {0, 1, 2, 3, 4}
    assert {start % 4 for start in offsets(seq_data_iter_random)} == {0, 1, 2, 3}


def test_random_batches_are_shuffled_and_cover_the_corpus():
    batches = epoch(seq_data_iter_random, range(1000), 1, 5, random.Random(0))
    starts = [x[0][0] for x, _ in batches]
    assert starts != sorted(starts)
    assert sorted(starts) == list(range(min(starts), 1000 - 5, 5))


# The draws of the book, said plainly: the offset first, and then, for random, one shuffle.
@pytest.mark.parametrize("seed", range(5))
def test_the_draws_are_those_of_the_book(seed):
    corpus, batch_size, num_steps = list(range(100, 183)), 3, 4

    random.seed(seed)
    offset = random.randint(0, num_steps)
    length = (len(corpus) - offset - 1) // batch_size
    rows = [corpus[offset + i * length : offset + (i + 1) * length] for i in range(batch_size)]
    expected = [
        [row[at : at + num_steps] for row in rows]
        for at in range(0, length // num_steps * num_steps, num_steps)
    ]
    random.seed(seed)
    assert [x for x, _ in epoch(seq_data_iter_sequential, corpus, 3, 4)] == expected

    random.seed(seed)
    rest = corpus[random.randint(0, num_steps - 1) :]
    pieces = [rest[k * num_steps :][:num_steps] for k in range((len(rest) - 1) // num_steps)]
    random.shuffle(pieces)
    expected = [
        pieces[b * batch_size : (b + 1) * batch_size] for b in range(len(pieces) // batch_size)
    ]
    random.seed(seed)
    assert [x for x, _ in epoch(seq_data_iter_random, corpus, 3, 4)] == expected


@pytest.mark.parametrize("iterator", ITERATORS)
def test_a_generator_of_chance_replaces_the_random_module(iterator):
    random.seed(7)
    state = random.getstate()
    given = epoch(iterator, range(90), 2, 5, random.Random(7))
    assert random.getstate() == state
    assert epoch(iterator, range(90), 2, 5) == given
    assert random.getstate() != state


@pytest.mark.parametrize(
    ("iterator", "largest"), [(seq_data_iter_sequential, 5), (seq_data_iter_random, 6)]
)
def test_a_corpus_too_short_is_refused_whatever_the_offset(iterator, largest):
    corpus = range(35)  # sequential: 5 * 5 + 1 + an offset of 5; random: 6 * 5 + 1 + 4
    for seed in range(50):
        rng = random.Random(seed)
        assert epoch(iterator, corpus, largest, 5, rng)
        with pytest.raises(ValueError) as caught:
            iterator(corpus, largest + 1, 5, rng)
        message = str(caught.value)
        for part in (
            "35 tokens",
            f"batch_size={largest + 1}",
            "num_steps=5",
            f"fits is {largest};",
        ):
            assert part in message


@pytest.mark.parametrize("iterator", ITERATORS)
@pytest.mark.parametrize("length", [0, 1, 5, 9])
def test_a_corpus_shorter_than_one_sequence_is_refused(iterator, length):
    with pytest.raises(ValueError, match=rf"corpus has {length} tokens, .* fits is 0"):
        iterator(range(length), 1, 5)


@pytest.mark.parametrize("iterator", [*ITERATORS, SequenceLoader])
@pytest.mark.parametrize("value", [0, -1, 2.0])
def test_sizes_must_be_positive_integers(iterator, value):
    with pytest.raises(ValueError, match=f"batch_size must be a positive integer, got {value}"):
        iterator(range(100), value, 5)
    with pytest.raises(ValueError, match=f"num_steps must be a positive integer, got {value}"):
        iterator(range(100), 2, value)


# ----- The loader -----


@pytest.mark.parametrize("iterator", ITERATORS)
def test_loader_gives_a_new_epoch_each_time(iterator):
    sampling = "sequential" if iterator is seq_data_iter_sequential else "random"
    loader = SequenceLoader(range(200), 2, 5, sampling, rng=random.Random(3))
    rng = random.Random(3)
    for _ in range(3):
        batches = [(x.tolist(), y.tolist()) for x, y in loader]
        assert batches == epoch(iterator, range(200), 2, 5, rng)
    assert (loader.batch_size, loader.num_steps) == (2, 5)


def test_loader_without_rng_uses_the_random_module_and_only_when_iterated():
    random.seed(5)
    state = random.getstate()
    loader = SequenceLoader(range(200), 2, 5)
    assert random.getstate() == state
    batches = [(x.tolist(), y.tolist()) for x, y in loader]
    random.seed(5)
    assert batches == epoch(seq_data_iter_sequential, range(200), 2, 5)


def test_a_corpus_may_be_a_tensor():
    from_list = epoch(seq_data_iter_random, list(range(90)), 2, 5, random.Random(1))
    assert epoch(seq_data_iter_random, tensor(list(range(90))), 2, 5, random.Random(1)) == from_list
    assert len(list(SequenceLoader(tensor(list(range(90))), 2, 5))) in (7, 8)


def test_loader_carries_state_only_when_sequential():
    assert SequenceLoader(range(50), 2, 5).carries_state is True
    assert SequenceLoader(range(50), 2, 5, "random").carries_state is False


def test_loader_refuses_bad_arguments_at_once():
    with pytest.raises(ValueError, match=r"one of \['sequential', 'random'\], got 'shuffled'"):
        SequenceLoader(range(50), 2, 5, "shuffled")
    with pytest.raises(ValueError, match=r"corpus has 10 tokens, .* fits is 0"):
        SequenceLoader(range(10), 4, 5)


# ----- How far a loader is -----


def rows(batches):
    return [(x.tolist(), y.tolist()) for x, y in batches]


def saved_and_loaded(state, folder):
    """As it comes back from a file of each kind."""
    for name in ("state.pt", "state.safetensors"):
        save(state, folder / name)
        yield load(folder / name)
    yield json.loads(json.dumps(state))


@pytest.mark.parametrize("sampling", ["sequential", "random"])
@pytest.mark.parametrize("done", range(9))  # 0: before the first epoch; 8: all but the end of it
def test_a_loader_goes_on_where_another_was(sampling, done, tmp_path):
    def loader():
        return SequenceLoader(range(90), 2, 5, sampling, rng=random.Random(1))

    one = loader()
    batches = iter(one)
    rows(islice(batches, done))
    state = one.state_dict()
    rest, following = rows(batches), rows(one)
    if not done:  # an iterator that nobody has begun yet: the epoch is in work all the same
        assert state["batch"] == 0 and state["drawn_from"] is not None
    for loaded in saved_and_loaded(state, tmp_path):
        other = loader()
        other.load_state_dict(loaded)
        assert other.state_dict() == state
        assert rows(other) == rest
        assert rows(other) == following


def test_between_epochs_there_is_no_place(tmp_path):
    one, other = (SequenceLoader(range(90), 2, 5, rng=random.Random(1)) for _ in range(2))
    assert one.state_dict()["drawn_from"] is None
    rows(one)
    state = one.state_dict()
    assert (state["batch"], state["drawn_from"]) == (0, None)
    other.load_state_dict(state)
    assert rows(other) == rows(one)


def test_chance_of_the_random_module_is_drawn_once():
    """The rest of an epoch takes nothing from the module, whose state is its user's to keep."""
    random.seed(3)
    one = SequenceLoader(range(90), 2, 5, "random")
    batches = iter(one)
    next(batches)
    state, chance = one.state_dict(), random.getstate()
    rest, following = rows(batches), rows(one)
    random.seed(4)
    other = SequenceLoader(range(90), 2, 5, "random")
    other.load_state_dict(state)
    random.setstate(chance)
    assert (rows(other), rows(other)) == (rest, following)


def test_the_place_is_that_of_the_epoch_begun_last():
    loader = SequenceLoader(range(90), 2, 5, rng=random.Random(1))
    first = iter(loader)
    next(first)
    second = iter(loader)
    next(second)
    next(second)
    rows(first)  # its end is not that of the second
    assert loader.state_dict()["batch"] == 2


def test_a_loader_refuses_what_is_no_state():
    loader = SequenceLoader(range(90), 2, 5)
    with pytest.raises(ValueError, match="drawn_from"):
        loader.load_state_dict({})
