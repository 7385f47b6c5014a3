"""no_grad, enable_grad, set_grad_enabled, inference_mode: as blocks and as decorators."""

import threading

import pytest

from ..both import t as t

MODES = {"no_grad": False, "enable_grad": True, "inference_mode": False}


def recorded(t):
    """Whether recording is on, asked for in both ways."""
    result = (t.ones(1, requires_grad=True) * 2).requires_grad
    assert result == t.is_grad_enabled()
    return result


@pytest.fixture(params=MODES)
def name(request):
    return request.param


def test_blocks(t, name):
    with getattr(t, name)() as nothing:
        assert nothing is None and recorded(t) is MODES[name]
    assert recorded(t)
    with t.no_grad(), getattr(t, name)():
        assert recorded(t) is MODES[name]
    assert recorded(t)


def test_bare_decorators_and_called_ones(t, name):
    mode = getattr(t, name)

    @mode
    def bare(x, *, k=1):
        """What it does."""
        return recorded(t), x, k

    @mode()
    def called():
        return recorded(t)

    class Methods:
        @mode()
        def method(self):
            return recorded(t)

        @staticmethod
        @mode
        def static():
            return recorded(t)

    assert bare(1, k=2) == (MODES[name], 1, 2) and bare.__doc__ == "What it does."
    assert called.__name__ == "called"
    with t.no_grad():
        assert [called(), Methods().method(), Methods.static()] == [MODES[name]] * 3
        assert not recorded(t)


def test_exceptions(t, name):
    @getattr(t, name)()
    def fails():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), getattr(t, name)():
        raise ValueError("mine")
    assert recorded(t)
    with pytest.raises(ValueError, match="mine"):
        fails()
    assert recorded(t)


def test_one_object_in_nested_blocks(t):
    mode, seen = t.no_grad(), []
    with mode:
        with t.enable_grad():
            with mode:
                seen.append(recorded(t))
            seen.append(recorded(t))
        seen.append(recorded(t))
    assert [*seen, recorded(t)] == [False, True, False, True]


def test_recursion(t):
    @t.no_grad()
    def count(n):
        with t.enable_grad():
            below = count(n - 1) if n else []
        return [*below, recorded(t)]

    assert count(3) == [False] * 4 and recorded(t)


# ----- generators -----


# PyTorch, with Python 3.12 and later
@pytest.mark.filterwarnings("ignore:the .type, exc, tb. signature of throw:DeprecationWarning")
def test_a_generator_runs_in_its_mode_and_its_caller_in_its_own(t):
    seen = []

    @t.no_grad()
    def generator():
        try:
            seen.append((yield recorded(t)))
            yield recorded(t)
        except ValueError:
            yield recorded(t)
        return "end"

    g = generator()
    assert next(g) is False and recorded(t)
    assert g.send("sent") is False and seen == ["sent"] and recorded(t)
    assert g.throw(ValueError()) is False and recorded(t)
    with pytest.raises(StopIteration) as end:
        next(g)
    assert end.value.value == "end" and recorded(t)


def test_a_generator_that_is_closed(t):
    seen = []

    @t.no_grad
    def generator():
        try:
            yield
        finally:
            seen.append(recorded(t))

    g = generator()
    next(g)
    g.close()
    assert seen == [False] and recorded(t)


def test_an_error_leaves_the_generator(t):
    @t.no_grad()
    def generator():
        yield 1
        raise KeyError("mine")

    g = generator()
    next(g)
    with pytest.raises(KeyError, match="mine"):
        next(g)
    assert recorded(t)


# ----- set_grad_enabled -----


def test_set_grad_enabled(t):
    t.set_grad_enabled(False)
    try:
        assert not recorded(t)
    finally:
        t.set_grad_enabled(True)
    with t.set_grad_enabled(False):
        assert not recorded(t)
    assert recorded(t)

    @t.set_grad_enabled(False)
    def decorated():
        return recorded(t)

    assert recorded(t) and not decorated() and recorded(t)
    with pytest.raises(TypeError, match="must be bool, not int"):
        t.set_grad_enabled(1)


# ----- inference_mode -----


def test_inference_mode(t):
    assert not t.is_inference_mode_enabled()
    with t.inference_mode():
        assert t.is_inference_mode_enabled() and not recorded(t)
        with t.enable_grad():
            assert not (t.ones(1, requires_grad=True) * 2).requires_grad
        with t.inference_mode(False):
            assert recorded(t) and not t.is_inference_mode_enabled()
    with t.no_grad(), t.inference_mode(False):
        assert recorded(t)
    assert recorded(t)


# ----- threads -----


def test_each_thread_has_its_own_mode(t):
    seen, inside, leave = [], threading.Event(), threading.Event()

    @t.no_grad()
    def other():
        seen.append(recorded(t))
        inside.set()
        leave.wait(10)

    with t.no_grad():
        fresh = threading.Thread(target=lambda: seen.append(recorded(t)))
        fresh.start()
        fresh.join()
    assert seen == [True]
    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    assert recorded(t) and seen == [True, False]
    leave.set()
    thread.join()
