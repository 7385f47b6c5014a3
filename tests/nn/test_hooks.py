"""Hooks around the call of a module, by themselves and side by side with PyTorch's."""

import gc
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import tinygrad_rnn
from tinygrad_rnn import tensor
from tinygrad_rnn.nn.module import Module

from ..both import t as t
from .two_libraries import OURS, library, look

pytestmark = pytest.mark.usefixtures("default_device")

Linear = OURS.Linear


def test_a_call_without_hooks_is_forward():
    class Plain(Module):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return args, kwargs

    plain = Plain()
    assert plain(1, two=2) == ((1,), {"two": 2})
    handle = plain.register_forward_hook(lambda module, args, output: "hooked")
    assert plain(1) == "hooked"
    handle.remove()
    assert plain(1) == ((1,), {})
    with plain.register_forward_pre_hook(lambda module, args: (2,)):
        assert plain(1) == ((2,), {})
    assert plain(1) == ((1,), {})


def test_backward_hooks_work_at_second_order():
    layer = Linear()
    layer.register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0] * 3,))
    x = tensor([1.0, 2.0], requires_grad=True)
    (grad,) = tinygrad_rnn.autograd.grad((layer(x) ** 2).sum(), x, create_graph=True)
    # d/dx of sum((Wx)^2) is 2 W'W x, here with W of ones: 4 (x1 + x2) for both
    assert grad.tolist() == [36.0, 36.0]
    (second,) = tinygrad_rnn.autograd.grad(grad.sum(), x)
    # two elements of 3 * 4 (x1 + x2); the gradient of the output passes the gate once more
    assert second.tolist() == [72.0, 72.0]


def test_a_hooked_call_leaves_no_reference_cycle():
    layer = Linear()
    layer.register_full_backward_hook(lambda *args: None)
    layer.register_forward_hook(lambda *args: None)
    x = tensor([1.0, 2.0], requires_grad=True) * 2
    gone = weakref.ref(x)
    gc.disable()
    try:
        layer(x).sum().backward()
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_a_failing_hook_that_always_runs_does_not_hide_the_error():
    def fail(*args: Any) -> None:
        raise KeyError("from the hook")

    module = Module()
    module.register_forward_hook(fail, always_call=True)
    with (
        pytest.warns(UserWarning, match="always_call=True raised KeyError"),
        pytest.raises(NotImplementedError),
    ):
        module(1)


def test_backward_hooks_complain_where_they_can_do_nothing():
    layer = Linear()
    layer.register_full_backward_hook(lambda *args: (tensor([1.0]),))
    with pytest.raises(RuntimeError, match="no input requires gradient should always return None"):
        layer(tensor([1.0, 2.0])).sum().backward()
    module = type("Dict", (Module,), {"forward": lambda self, x: {"x": x}})()
    module.register_full_backward_hook(lambda *args: None)
    with pytest.warns(UserWarning, match="need the module to return a Tensor or a tuple"):
        module(tensor([1.0], requires_grad=True))


# ----- side by side with PyTorch -----


@pytest.fixture(scope="module")
def theirs() -> SimpleNamespace:
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    return library(torch, torch.nn)


def forward_hooks(lib: Any, change: str) -> Any:
    """Hooks of a module that takes a keyword argument, and what each of them was given."""
    seen: list[Any] = []

    class Scaled(lib.nn.Module):
        def forward(self, x: Any, k: Any = 1) -> Any:
            seen.append(("forward", x, k))
            if change == "raise":
                raise ValueError("from forward")
            return x * k

    m = Scaled()
    if change == "replace":
        m.register_forward_pre_hook(lambda m, args: args[0] + 1)
        m.register_forward_pre_hook(lambda m, args, kw: (args, {"k": 3}), with_kwargs=True)
        m.register_forward_hook(lambda m, args, out: out * 10)
    m.register_forward_pre_hook(lambda m, args: seen.append(("pre", args)))
    m.register_forward_pre_hook(lambda m, args: seen.append(("first", args)), prepend=True)
    m.register_forward_hook(lambda m, args, out: seen.append(("post", args, out)))
    m.register_forward_hook(
        lambda m, args, kw, out: seen.append(("kw", args, kw, out)), with_kwargs=True
    )
    m.register_forward_hook(
        lambda m, args, out: seen.append(("always", args, out)), prepend=True, always_call=True
    )
    if change == "remove":
        m.register_forward_hook(lambda m, args, out: seen.append("removed")).remove()
    if change == "raise late":
        m.register_forward_hook(lambda m, args, out: 1 / 0)
    if change == "bad pre-hook":
        m.register_forward_pre_hook(lambda m, args, kw: 3, with_kwargs=True)
    try:
        result = m(lib.torch.tensor([2.0]), k=2)
    except Exception as error:
        result = type(error), str(error)
    return result, seen


@pytest.mark.parametrize("change", ["", "replace", "raise", "raise late", "remove", "bad pre-hook"])
def test_forward_hooks_as_in_pytorch(change: str, theirs: SimpleNamespace):
    assert look(forward_hooks(OURS, change)) == repr(forward_hooks(theirs, change))


TIMES_TWO_AND_THREE = lambda module, x, y: (x * 2, y * 3)  # noqa: E731


def backward_hooks(
    lib: Any,
    forward: Callable[..., Any] = TIMES_TWO_AND_THREE,
    inputs: Callable[[Any, Any], Any] = lambda x, y: (x, y),
    loss: Callable[[Any], Any] = lambda out: sum(o.sum() for o in out),
    hook: Any = None,
    pre_hook: Any = None,
) -> Any:
    """What the backward hooks of a module are given, and the gradients that result."""
    seen: list[Any] = []
    module = type("Test", (lib.nn.Module,), {"forward": forward})()
    module.weight = lib.nn.Parameter(lib.torch.ones(1))
    if pre_hook:
        module.register_full_backward_pre_hook(pre_hook)
    if hook:
        module.register_full_backward_hook(hook)
    module.register_full_backward_pre_hook(lambda m, grad_out: seen.append(grad_out))
    module.register_full_backward_hook(lambda m, *grads: seen.append(grads))
    module.register_full_backward_hook(lambda m, *grads: seen.append("first"), prepend=True)
    x = lib.torch.tensor([1.0], requires_grad=True)
    y = lib.torch.tensor([5.0], requires_grad=True)
    try:
        out = module(*inputs(x, y))
        loss(out).backward()
    except Exception as error:
        return type(error), str(error)
    return seen, x.grad, y.grad, module.weight.grad


def only(forward: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """A module of one input and output."""
    inputs = options.pop("inputs", lambda x, y: (x,))
    return {"forward": forward, "inputs": inputs, "loss": lambda out: out.sum(), **options}


def weighted(module: Any, x: Any, *rest: Any) -> Any:
    return x * module.weight


BACKWARD = {
    "two": {},
    "one output used": {"loss": lambda out: out[1].sum()},
    "one input used": only(lambda m, x, y: x * 2, inputs=lambda x, y: (x, y)),
    "one input constant": {"inputs": lambda x, y: (x, y.detach())},
    "no gradient": only(weighted, inputs=lambda x, y: (x.detach(),), loss=lambda out: out.sum()),
    "something else": only(weighted, inputs=lambda x, y: (x, "text", None)),
    "other outputs": {
        "forward": lambda m, x, y: (x * 2, "text", y.detach(), [y]),
        "loss": lambda out: out[0].sum(),
    },
    "replaced": only(
        weighted,
        hook=lambda m, grad_in, grad_out: (grad_in[0] * 10,),
        pre_hook=lambda m, grad_out: (grad_out[0] * 3,),
    ),
    "too many": only(weighted, hook=lambda m, grad_in, grad_out: grad_in + grad_in),
    "too many before": only(weighted, pre_hook=lambda m, grad_out: grad_out + grad_out),
    "input changed in place": only(lambda m, x: x.mul_(2), inputs=lambda x, y: (x * y,)),
}


@pytest.mark.filterwarnings("ignore:Full backward hook is firing when gradients are computed")
@pytest.mark.parametrize("name", BACKWARD)
def test_backward_hooks_as_in_pytorch(name: str, theirs: SimpleNamespace):
    expected = backward_hooks(theirs, **BACKWARD[name])
    got = backward_hooks(OURS, **BACKWARD[name])
    if name == "input changed in place":  # the rest of the message differs
        assert expected[0] is got[0] is RuntimeError
        assert "is a view and is being modified inplace" in expected[1] and got[1]
    else:
        assert look(got) == repr(expected)


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook")
def test_hooks_of_the_last_operation(t):
    t.manual_seed(0)
    seen = []
    layer, cell = t.nn.Linear(3, 2, bias=False), t.nn.LSTMCell(2, 2)
    for module in (layer, cell):
        module.register_backward_hook(lambda module, ins, outs: seen.append((module, ins, outs)))
    h, _c = cell(layer(t.ones(4, 3)))
    h.sum().backward()
    assert [module for module, _ins, _outs in seen] == [cell, layer]
    for _module, ins, outs in seen:
        assert isinstance(ins, tuple) and outs[0].shape == (4, 2)
    handle = layer.register_backward_hook(lambda *args: seen.append(args))
    handle.remove()
    layer(t.ones(1, 3)).sum().backward()
    assert len(seen) == 3
    with t.no_grad():
        layer(t.ones(1, 3))
