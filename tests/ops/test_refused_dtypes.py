"""Dtypes that operations do not have, and pairs of dtypes that they do not promote."""

import pytest

from ..both import t as t

pytestmark = pytest.mark.parametrize("kind", ["bool", "int64"])

# Calls with a matrix of ones, of bool and of int64, and whether each is refused
CALLS = {
    "abs": (lambda t, x: x.abs(), True, False),
    "floor": (lambda t, x: x.floor(), True, False),
    "ceil": (lambda t, x: t.ceil(x), True, False),
    "trunc": (lambda t, x: x.trunc(), True, False),
    "fix_": (lambda t, x: x.fix_(), True, False),
    "round": (lambda t, x: x.round(), True, False),
    "frac": (lambda t, x: x.frac(), True, True),
    "matmul": (lambda t, x: x @ x, True, False),
    "mv": (lambda t, x: x @ x[0], True, False),
    "dot": (lambda t, x: t.dot(x[0], x[0]), True, False),
    "bmm": (lambda t, x: t.bmm(x[None], x[None]), True, False),
    "tensordot": (lambda t, x: t.tensordot(x, x, 1), True, False),
    "einsum": (lambda t, x: t.einsum("ij,jk->ik", x, x), True, False),
    "einsum of elements": (lambda t, x: t.einsum("ij,ij->ij", x, x), False, False),
    "prelu": (lambda t, x: t.nn.functional.prelu(x, x[0, :1]), True, True),
    "glu": (lambda t, x: t.nn.functional.glu(x), True, True),
    "threshold": (lambda t, x: t.nn.functional.threshold(x, 1, 0), True, False),
    "softsign": (lambda t, x: t.nn.functional.softsign(x), True, False),
    "hardtanh": (lambda t, x: t.nn.functional.hardtanh(x), True, False),
    "kl_div": (lambda t, x: t.nn.functional.kl_div(x, x, reduction="sum"), True, True),
    "lerp": (lambda t, x: t.lerp(x, x, 0.5), True, True),
    "addcmul": (lambda t, x: t.addcmul(x, x, x), True, False),
    "hypot": (lambda t, x: t.hypot(x, x), True, True),
    "logaddexp": (lambda t, x: t.logaddexp(x, x), True, True),
    "histc": (lambda t, x: t.histc(x, 2), True, True),
    "trace": (lambda t, x: x.trace(), True, False),
    "argmax": (lambda t, x: x.argmax(), True, False),
    "argmin": (lambda t, x: x.argmin(1), True, False),
    "median": (lambda t, x: x.median(), True, False),
    "kthvalue": (lambda t, x: x.kthvalue(1), True, False),
    "topk": (lambda t, x: x.topk(1), True, False),
    "cdist": (lambda t, x: t.cdist(x, x), True, True),
    "vecdot": (lambda t, x: t.linalg.vecdot(x, x), True, True),
}


@pytest.mark.parametrize("name", CALLS)
def test_kinds_that_an_operation_does_not_have(t, name, kind):
    call, *refused = CALLS[name]
    x = t.ones(2, 2, dtype=getattr(t, kind))
    if refused[kind == "int64"]:
        with pytest.raises((NotImplementedError, RuntimeError)):
            call(t, x)
    else:
        call(t, x)


MIXED = {
    "einsum": lambda t, x, y: t.einsum("ij,jk->ik", x, y),
    "einsum of three": lambda t, x, y: t.einsum("ij,jk,kl->il", x, x, y),
    "prelu": lambda t, x, y: t.nn.functional.prelu(x, y[0, :1]),
    "vecdot": lambda t, x, y: t.linalg.vecdot(x, y),
}


@pytest.mark.parametrize("name", MIXED)
def test_dtypes_that_are_not_promoted(t, name, kind):
    x, y = t.ones(2, 2), t.ones(2, 2, dtype=getattr(t, kind))
    with pytest.raises((RuntimeError, NotImplementedError)):
        MIXED[name](t, x, y)
    MIXED[name](t, x, y.float())
    assert t.einsum("ij,ij->ij", x, y).dtype is t.float32


def test_tensors_of_several_elements_are_no_numbers(t, kind):
    for dtype, error, message in (
        (getattr(t, kind), TypeError, "only integer tensors of a single element"),
        (t.float32, ValueError, "only one element tensors can be converted"),
    ):
        two, none = t.ones(2, dtype=dtype), t.ones(0, dtype=dtype)
        for data in ([two, two], [[two]], (two,), [two, [1, 2]], [none]):
            for make in (t.tensor, t.as_tensor):
                with pytest.raises(error, match=message):
                    make(data)
    vector = t.ones(2, dtype=getattr(t, kind))
    one = vector[:1]
    assert t.tensor([one, one]).shape == (2,) and t.tensor([[one, vector[0]]]).shape == (1, 2)
    assert t.tensor([one[None]]).tolist() == [1] and t.tensor([one]).dtype is vector.dtype
    assert t.tensor([[1, 2], vector]).tolist() == [[1, 2], [1, 1]]
