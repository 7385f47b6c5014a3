"""out=, size= and the tuples of operations with several results, as PyTorch's."""

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn.ops.outputs import CREATORS, WITH_OUT

from ..both import on_the_cpu, t as t


def matrix(t):
    return t.arange(6.0).reshape(2, 3)


# A call with out= for one or more results, and the dtypes of these
CALLS = {
    "add": (lambda t, **o: t.add(matrix(t), matrix(t), alpha=2, **o), ["float32"]),
    "matmul": (lambda t, **o: t.matmul(matrix(t), matrix(t).T, **o), ["float32"]),
    "mul": (lambda t, **o: t.mul(matrix(t), 2, **o), ["float64"]),
    "cat": (lambda t, **o: t.cat([matrix(t), matrix(t)], dim=1, **o), ["float32"]),
    "sum": (lambda t, **o: t.sum(matrix(t), 1, **o), ["float32"]),
    "eq": (lambda t, **o: t.eq(matrix(t), 2, **o), ["bool"]),
    "max": (lambda t, **o: t.max(matrix(t), 1, **o), ["float32", "int64"]),
    "sort": (lambda t, **o: t.sort(matrix(t), descending=True, **o), ["float32", "int64"]),
    "topk": (lambda t, **o: t.topk(matrix(t), 2, **o), ["float32", "int64"]),
    "zeros": (lambda t, **o: t.zeros(2, 2, **o), ["int64"]),
    "arange": (lambda t, **o: t.arange(4, **o), ["float64"]),
    "eye": (lambda t, **o: t.eye(2, **o), ["float32"]),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_are_written_into_out(t, name):
    call, dtypes = CALLS[name]
    plain = call(t)
    plain = plain if isinstance(plain, tuple) else (plain,)
    for shape in ((0,), None):  # resized; in memory that is there, and not contiguous
        outs = tuple(
            t.empty(shape if shape else plain[0].shape[::-1], dtype=getattr(t, dtype))
            for dtype in dtypes
        )
        if shape is None:
            outs = tuple(out.permute(*range(out.dim() - 1, -1, -1)) for out in outs)
        places = [out.data_ptr() for out in outs]
        got = call(t, out=outs if len(outs) > 1 else outs[0])
        got = got if isinstance(got, tuple) else (got,)
        for a, b, expected in zip(got, outs, plain, strict=True):
            assert a is b and t.equal(a, expected.to(a.dtype))
        assert shape or places == [out.data_ptr() for out in outs]


def test_what_does_not_fit_out(t):
    x, leaf = t.ones(2), t.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"result type Float can't be cast to .* Long"):
        t.add(x, x, out=t.empty(2, dtype=t.int64))
    for call in (lambda: t.add(x, leaf, out=t.empty(2)), lambda: t.add(x, x, out=leaf)):
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            call()
    with t.no_grad():
        assert t.add(x, leaf, out=t.empty(2)).tolist() == [2, 2]
    for call in (lambda: t.add(x, x, out="x"), lambda: t.max(t.ones(2, 2), 1, out=x)):
        with pytest.raises((TypeError, RuntimeError)):
            call()
    with pytest.raises(TypeError, match=r"relu.* got an unexpected keyword argument 'out'"):
        t.relu(x, out=t.empty(2))
    with pytest.warns(UserWarning, match="was resized since it had shape"):
        assert t.exp(x, out=t.ones(3)).shape == (2,)


def test_every_function_that_takes_out_does_so_in_pytorch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    for name in (*WITH_OUT, *CREATORS):
        schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name}")
        assert any(a.is_out for schema in schemas for a in schema.arguments), name
        assert callable(getattr(tg, name)) and getattr(tg, name).__doc__, name


def test_sizes_by_name(t):
    for name in ("zeros", "ones", "empty", "rand", "randn"):
        assert getattr(t, name)(size=(2, 3)).shape == (2, 3)
    for args, bounds in (((9,), {}), ((2, 9), {}), ((), {"low": 2, "high": 9}), ((), {"high": 9})):
        drawn = t.randint(*args, size=(50,), **bounds)
        assert drawn.shape == (50,) and int(drawn.max()) < 9
        assert bounds == {"high": 9} or args == (9,) or int(drawn.min()) >= 2
    assert t.randint(t.tensor(2), t.tensor(3), (2,)).tolist() == [2, 2]


@on_the_cpu
def test_tuples_as_text(t):
    x = t.tensor([[1.0, 3.0, 2.0]])
    for name, args in {
        "max": (1,), "min": (1,), "median": (1,), "nanmedian": (1,), "mode": (1,), "sort": (),
        "topk": (1,), "kthvalue": (1,), "cummax": (1,), "cummin": (1,),
    }.items():  # fmt: skip
        found = getattr(t, name)(x, *args)
        expected = f"torch.return_types.{name}(\nvalues={found[0]!r},\nindices={found[1]!r})"
        assert repr(found) == expected and found.values is found[0]
        assert isinstance(found, getattr(t.return_types, name)) and isinstance(found, tuple)
    low, high = found = t.aminmax(x)
    assert repr(found) == f"torch.return_types.aminmax(\nmin={low!r},\nmax={high!r})"


@on_the_cpu
@pytest.mark.filterwarnings("ignore:.*is deprecated in favor of torch.linalg")
def test_decompositions_as_text(t):
    a = t.tensor([[2.0, 1.0], [1.0, 3.0]])
    linalg = t.linalg
    factors = linalg.lu_factor(a)
    for kind, found, fields in (
        ("svd", t.svd(a), "U S V"), ("linalg_svd", linalg.svd(a), "U S Vh"),
        ("qr", t.qr(a), "Q R"), ("linalg_qr", linalg.qr(a), "Q R"), ("geqrf", t.geqrf(a), "a tau"),
        ("linalg_eigh", linalg.eigh(a), "eigenvalues eigenvectors"),
        ("slogdet", a.slogdet(), "sign logabsdet"),
        ("linalg_slogdet", linalg.slogdet(a), "sign logabsdet"),
        ("linalg_inv_ex", linalg.inv_ex(a), "inverse info"),
        ("linalg_solve_ex", linalg.solve_ex(a, a), "result info"),
        ("linalg_cholesky_ex", linalg.cholesky_ex(a), "L info"),
        ("linalg_lu", linalg.lu(a), "P L U"), ("lu_unpack", t.lu_unpack(*factors), "P L U"),
        ("linalg_lu_factor", factors, "LU pivots"),
        ("linalg_lu_factor_ex", linalg.lu_factor_ex(a), "LU pivots info"),
        ("linalg_lstsq", linalg.lstsq(a, a), "solution residuals rank singular_values"),
        ("triangular_solve", t.triangular_solve(a, a), "solution cloned_coefficient"),
        ("frexp", t.frexp(a), "mantissa exponent"),
        ("histogram", t.histogram(a, 2), "hist bin_edges"),
        ("histogramdd", t.histogramdd(a, [2, 2]), "hist bin_edges"),
    ):  # fmt: skip
        parts = ",\n".join(f"{name}={getattr(found, name)!r}" for name in fields.split())
        assert repr(found) == f"torch.return_types.{kind}(\n{parts})", kind
        assert type(found) is getattr(t.return_types, kind)
