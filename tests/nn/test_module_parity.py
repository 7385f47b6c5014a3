"""The same programs with this library's modules and with PyTorch's: the same results and errors."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinygrad_rnn import tensor
from tinygrad_rnn.nn.parameter import Parameter

from .two_libraries import OURS, library, outcome

Linear, Net = OURS.Linear, OURS.Net


@pytest.fixture(scope="module")
def theirs() -> SimpleNamespace:
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    return library(torch, torch.nn)


def names(pairs: Iterator[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in pairs]


def tied(lib: Any) -> Any:
    module = lib.nn.Module()
    module.a = lib.Linear()
    module.b = module.a
    module.c = lib.nn.Module()
    module.c.weight = module.a.weight
    module.none = None
    module.c.register_module("none", None)
    return module


def mixed(lib: Any) -> Any:
    module = lib.nn.Module()
    module.parameter = lib.nn.Parameter(lib.torch.ones(1))
    module.child = lib.Linear()
    module.buffer = lib.nn.Buffer(lib.torch.ones(1))
    module.number = 3
    return module


def without_init(assign: Callable[[Any, Any], None]) -> Callable[[Any], None]:
    """A program whose module assigns before it calls super().__init__()."""

    def program(lib: Any) -> None:
        def init(self: Any) -> None:
            assign(self, lib)

        type("Hasty", (lib.nn.Module,), {"__init__": init})()

    return program


def several_lines(lib: Any) -> Any:
    class Talking(lib.nn.Module):
        def extra_repr(self) -> str:
            return "a=1\nb=2"

    talking = Talking()
    outer = lib.nn.Module()
    outer.alone = Talking()
    outer.inner = talking
    talking.layer = lib.Linear()
    return outer


def after(change: Callable[[Any, Any], Any], show: Callable[[Any], Any] = vars) -> Any:
    """A program that changes `mixed` and shows what has become of its attributes."""

    def program(lib: Any) -> Any:
        module = mixed(lib)
        change(module, lib)
        return [list(getattr(module, s)) for s in ("_parameters", "_modules", "_buffers")], {
            name: type(getattr(module, name)).__name__.replace("Buffer", "Tensor")
            for name in ("parameter", "child", "buffer", "number", "new")
            if hasattr(module, name)
        }

    return program


def bad_state(lib: Any) -> dict[str, Any]:
    state = dict(lib.Net().state_dict())
    del state["first.bias"]
    state["body.last.weight"] = lib.torch.ones(4)
    state["steps"] = [1, 2]
    return {"before": 1, **state, "body.unknown": 2, "first.a.b": 3, "cache": 4, "missing": 5}


def loaded(lib: Any, **options: Any) -> Any:
    torch, net = lib.torch, lib.Net()
    net.scale.requires_grad_(False)
    weight, state = net.first.weight, dict(net.state_dict())
    state["first.weight"] = torch.full((3, 2), 7, dtype=torch.float64)
    state["scale"] = torch.tensor(3)
    state["steps"] = torch.tensor([7.5, 8.5])
    net.load_state_dict(state, **options)
    return (
        [*net.named_parameters(), *net.named_buffers()],
        net.first.weight is weight,
        [type(p).__name__ for p in net.parameters()],
    )


def cast(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def program(lib: Any) -> Any:
        net = lib.Net()
        net(lib.torch.ones(1, 2)).sum().backward()
        weight, grad = net.first.weight, net.first.weight.grad
        same = change(net, lib.torch)
        everything = [*net.parameters(), *net.buffers()]
        kept = same is net, net.first.weight is weight, weight.grad is grad
        return [t.dtype for t in everything], grad.dtype, kept

    return program


def zeroed(lib: Any) -> Any:
    net = lib.Net()
    net(lib.torch.ones(1, 2)).sum().backward()
    grad = net.scale.grad
    net.zero_grad(set_to_none=False)
    kept = net.scale.grad is grad, grad
    net.zero_grad()
    return kept, net.scale.grad


SAME = {
    "parameter": lambda lib: lib.nn.Parameter(lib.torch.ones(2, 2)),
    "buffer": lambda lib: (lib.nn.Buffer(lib.torch.ones(2)), lib.nn.Buffer(None)),
    "integers": lambda lib: lib.nn.Parameter(lib.torch.tensor([1])),
    "repr": lambda lib: (lib.Net(), tied(lib), lib.nn.Module(), lib.Linear(1, 1)),
    "repr of several lines": several_lines,
    # assigning
    "module before init": without_init(lambda m, lib: setattr(m, "a", lib.nn.Module())),
    "parameter before init": without_init(lambda m, lib: setattr(m, "a", lib.nn.Parameter())),
    "buffer before init": without_init(lambda m, lib: setattr(m, "a", lib.nn.Buffer())),
    "register before init": without_init(lambda m, lib: m.register_parameter("a", None)),
    "register buffer before init": without_init(lambda m, lib: m.register_buffer("a", None)),
    "new tensor": after(lambda m, lib: setattr(m, "new", lib.torch.ones(1))),
    "new buffer": after(lambda m, lib: setattr(m, "new", lib.nn.Buffer(lib.torch.ones(1)))),
    "number to parameter": after(lambda m, lib: setattr(m, "number", lib.nn.Parameter())),
    "number to module": after(lambda m, lib: setattr(m, "number", lib.nn.Module())),
    "parameter to None": after(lambda m, lib: setattr(m, "parameter", None)),
    "parameter to tensor": after(lambda m, lib: setattr(m, "parameter", lib.torch.ones(1))),
    "parameter to double": after(
        lambda m, lib: setattr(m, "parameter", lib.torch.ones(1).double())
    ),
    "parameter to number": after(lambda m, lib: setattr(m, "parameter", 1)),
    "module to None": after(lambda m, lib: setattr(m, "child", None)),
    "module to number": after(lambda m, lib: setattr(m, "child", 1)),
    "module to parameter": after(lambda m, lib: setattr(m, "child", lib.nn.Parameter())),
    "buffer to None": after(lambda m, lib: setattr(m, "buffer", None)),
    "buffer to tensor": after(lambda m, lib: setattr(m, "buffer", lib.torch.ones(3))),
    "buffer to parameter": after(lambda m, lib: setattr(m, "buffer", lib.nn.Parameter())),
    "buffer to number": after(lambda m, lib: setattr(m, "buffer", 1)),
    "delete parameter": after(lambda m, lib: delattr(m, "parameter")),
    "delete child": after(lambda m, lib: delattr(m, "child")),
    "delete buffer": after(lambda m, lib: delattr(m, "buffer")),
    "delete number": after(lambda m, lib: delattr(m, "number")),
    "delete nothing": after(lambda m, lib: delattr(m, "nothing")),
    "register parameter": after(lambda m, lib: m.register_parameter("new", lib.nn.Parameter())),
    "register buffer": after(lambda m, lib: m.register_buffer("new", lib.torch.ones(1))),
    "add module": after(lambda m, lib: m.add_module("new", None)),
    "missing attribute": lambda lib: mixed(lib).nothing,
    "dir": lambda lib: [
        n for n in dir(mixed(lib)) if n in ("parameter", "child", "buffer", "number")
    ],
    # registering
    "name no string": lambda lib: mixed(lib).register_parameter(3, None),
    "buffer name no string": lambda lib: mixed(lib).register_buffer(3, None),
    "module name no string": lambda lib: mixed(lib).add_module(3, None),
    "module name with dot": lambda lib: mixed(lib).add_module("a.b", None),
    "empty name": lambda lib: mixed(lib).register_parameter("", None),
    "empty buffer name": lambda lib: mixed(lib).register_buffer("", None),
    "empty module name": lambda lib: mixed(lib).add_module("", None),
    "taken name": lambda lib: mixed(lib).register_parameter("number", None),
    "taken buffer name": lambda lib: mixed(lib).register_buffer("parameter", None),
    "taken module name": lambda lib: mixed(lib).add_module("number", None),
    "number as parameter": lambda lib: mixed(lib).register_parameter("new", 3),
    "tensor as parameter": lambda lib: mixed(lib).register_parameter("new", lib.torch.ones(1)),
    "number as buffer": lambda lib: mixed(lib).register_buffer("new", 3),
    "number as module": lambda lib: mixed(lib).register_module("new", 3),
    # the tree
    "parameters": lambda lib: [(n, p.shape) for n, p in lib.Net().named_parameters()],
    "own parameters": lambda lib: names(lib.Net().named_parameters("net", recurse=False)),
    "tied parameters": lambda lib: names(tied(lib).named_parameters()),
    "all parameters": lambda lib: names(tied(lib).named_parameters(remove_duplicate=False)),
    "counts": lambda lib: (len([*tied(lib).parameters()]), len([*lib.Net().buffers()])),
    "buffers": lambda lib: [*lib.Net().named_buffers("net")],
    "modules": lambda lib: names(lib.Net().named_modules(prefix="net")),
    "tied modules": lambda lib: names(tied(lib).named_modules()),
    "all modules": lambda lib: names(tied(lib).named_modules(remove_duplicate=False)),
    "children": lambda lib: (names(tied(lib).named_children()), [*tied(lib).children()]),
    "get this": lambda lib: lib.Net().get_submodule(""),
    "get submodule": lambda lib: lib.Net().get_submodule("body.last"),
    "get missing submodule": lambda lib: lib.Net().get_submodule("body.middle"),
    "get no submodule": lambda lib: lib.Net().get_submodule("body.last.bias"),
    "get parameter": lambda lib: lib.Net().get_parameter("first.bias"),
    "get missing parameter": lambda lib: lib.Net().get_parameter("first.nothing"),
    "get no parameter": lambda lib: lib.Net().get_parameter("steps"),
    "get parameter nowhere": lambda lib: lib.Net().get_parameter("nowhere.bias"),
    "get buffer": lambda lib: lib.Net().get_buffer("steps"),
    "get no buffer": lambda lib: lib.Net().get_buffer("scale"),
    "get missing buffer": lambda lib: lib.Net().get_buffer("nothing"),
    "apply": lambda lib: (
        order := [],
        lib.Net().apply(lambda m: order.append(type(m).__name__)),
    ),
    "modes": lambda lib: [
        m.training for m in [*lib.Net().eval().modules()] + [*lib.Net().modules()]
    ],
    "freeze": lambda lib: [p.requires_grad for p in lib.Net().requires_grad_(False).parameters()],
    "zero_grad": zeroed,
    "no forward": lambda lib: lib.nn.Module()(1),
    "arguments": lambda lib: lib.nn.Module(3),
    # dtypes
    "double": cast(lambda net, torch: net.double()),
    "half": cast(lambda net, torch: net.half()),
    "float": cast(lambda net, torch: net.double().float()),
    "to dtype": cast(lambda net, torch: net.to(torch.float64)),
    "to device and dtype": cast(lambda net, torch: net.to("cpu", torch.float16)),
    "to named": cast(lambda net, torch: net.to(device="cpu", dtype=torch.float64)),
    "to tensor": cast(lambda net, torch: net.to(torch.ones(1).double())),
    "to nothing": cast(lambda net, torch: net.to("cpu")),
    "type": cast(lambda net, torch: net.type(torch.float64)),
    "to integers": lambda lib: lib.Net().to(lib.torch.int64),
    # state
    "state": lambda lib: lib.Net().state_dict(),
    "state of variables": lambda lib: [*lib.Net().state_dict(keep_vars=True).values()],
    "metadata": lambda lib: lib.Net().state_dict(prefix="net.")._metadata,
    "state in a dict": lambda lib: lib.Linear().state_dict(destination={"a": 1}, prefix="b."),
    "state of ties": lambda lib: [*tied(lib).state_dict()],
    "load": loaded,
    "load by assigning": lambda lib: loaded(lib, assign=True),
    "load list": lambda lib: lib.Net().load_state_dict([]),
    "load bad": lambda lib: lib.Net().load_state_dict(bad_state(lib)),
    "load bad anyway": lambda lib: lib.Net().load_state_dict(bad_state(lib), strict=False),
    "load good": lambda lib: lib.Net().load_state_dict(lib.Net().state_dict()),
    "load some": lambda lib: lib.Net().load_state_dict({"scale": lib.torch.ones(())}, strict=False),
    "load unknown": lambda lib: lib.Linear().load_state_dict(lib.Net().state_dict(), strict=False),
    "load wrong shape": lambda lib: lib.Linear(2, 3).load_state_dict(lib.Linear().state_dict()),
}


@pytest.mark.parametrize("name", SAME)
def test_same_as_pytorch(name: str, theirs: SimpleNamespace):
    expected = outcome(SAME[name], theirs)
    assert outcome(SAME[name], OURS) == expected


# Errors of the same kind, with more in the message
SAME_KIND = {
    "call before init": without_init(lambda m, lib: m(1)),
    "add before init": without_init(lambda m, lib: m.add_module("a", None)),
    "name with dot": lambda lib: mixed(lib).register_parameter("a.b", None),
    "buffer name with dot": lambda lib: mixed(lib).register_buffer("a.b", None),
    "train": lambda lib: lib.Net().train(1),
    "non-leaf": lambda lib: mixed(lib).register_parameter(
        "new",
        lib.nn.Parameter(lib.torch.ones(1), False).mul_(lib.torch.ones(1, requires_grad=True)),
    ),
}


@pytest.mark.parametrize("name", SAME_KIND)
def test_same_kind_of_error_as_pytorch(name: str, theirs: SimpleNamespace):
    expected, got = outcome(SAME_KIND[name], theirs), outcome(SAME_KIND[name], OURS)
    assert isinstance(expected, tuple) and expected[0] is got[0]


# ----- weights both ways -----


def test_state_dicts_move_between_the_libraries(theirs: SimpleNamespace):
    torch = theirs.torch
    their_net, our_net = theirs.Net(), Net()
    with torch.no_grad():
        for parameter in their_net.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    our_net.load_state_dict(their_net.state_dict())
    x = np.array([[0.5, -1.5]], np.float32)
    expected = their_net(torch.from_numpy(x)).numpy(force=True)
    np.testing.assert_allclose(our_net(tensor(x)).numpy(force=True), expected, rtol=1e-6)
    our_net.load_state_dict(their_net.state_dict(keep_vars=True), assign=True)
    assert isinstance(our_net.scale, Parameter) and our_net.scale.requires_grad

    state = OrderedDict((k, torch.from_dlpack(v)) for k, v in our_net.state_dict().items())
    assert not their_net.load_state_dict(state).missing_keys


def test_types_we_do_not_have_are_named(theirs: SimpleNamespace):
    state = {
        "weight": theirs.torch.ones(2, 2, dtype=theirs.torch.bfloat16),
        "bias": tensor([1.0, 1.0]),
    }
    with pytest.raises(RuntimeError, match=r'"weight".* can.t be converted'):
        Linear().load_state_dict(state)
