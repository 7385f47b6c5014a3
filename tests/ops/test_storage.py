"""The memory behind tensors: what PyTorch shows of it."""

import pytest

import tinygrad_rnn as tg

from ..both import t as t

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")


def test_elements_and_bytes(t):
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]])
    row = x[1:]
    typed, untyped = row.storage(), row.untyped_storage()
    assert typed.tolist() == list(typed) == [1.0, 2.0, 3.0, 4.0] and typed[-1] == 4.0
    assert len(typed) == typed.size() == 4 and typed.nbytes() == untyped.nbytes() == 16
    assert len(untyped) == untyped.size() == 16 and untyped.tolist()[4:8] == [0, 0, 0, 64]
    assert (typed.element_size(), untyped.element_size()) == (4, 1)
    assert str(typed.dtype) == "torch.float32" and typed.device == untyped.device == x.device
    assert typed.data_ptr() == untyped.data_ptr() == x.data_ptr()
    assert row.data_ptr() - untyped.data_ptr() == 8
    assert repr(typed).splitlines()[:2] == [" 1.0", " 2.0"] and "of size 4]" in repr(typed)


def test_views_share_it(t):
    x = t.zeros(2, 3)
    views = x.t(), x[1], x.view(6), x.detach(), x.unsqueeze(0)
    assert {v.untyped_storage().data_ptr() for v in views} == {x.untyped_storage().data_ptr()}
    assert x.clone().untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    assert t.ones(3).expand(4, 3).storage().size() == 3 and not t.ones(0).storage().size()


def test_writing(t):
    x = t.zeros(2, 2)
    x[1].storage()[1] = 5.0
    assert x.tolist() == [[0.0, 5.0], [0.0, 0.0]]
    x.storage().fill_(2)
    assert x.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_refused(t):
    storage = t.ones(2).storage()
    for index, kind in ((2, IndexError), (-3, IndexError), (slice(1), RuntimeError),
                        ("a", (TypeError, RuntimeError))):  # fmt: skip
        with pytest.raises(kind):
            storage[index]


def test_it_is_deprecated():
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        tg.ones(1).storage()
