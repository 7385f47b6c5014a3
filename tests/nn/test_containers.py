"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import tinygrad_rnn
from tinygrad_rnn import ones, tensor
from tinygrad_rnn.nn.containers import (
    ModuleDict,
    ModuleList,
    ParameterDict,
    ParameterList,
    Sequential,
)
from tinygrad_rnn.nn.module import Module
from tinygrad_rnn.nn.parameter import Parameter

from .two_libraries import OURS, library, outcome

Linear = OURS.Linear


class Add(Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Any) -> Any:
        return x + self.number

    def extra_repr(self) -> str:
        return str(self.number)


class Times(Add):
    def forward(self, x: Any) -> Any:
        return x * self.number


def test_sequential_calls_one_after_another():
    model = Sequential(Add(1), Times(10), Add(2))
    assert model(tensor([1.0, 2.0])).tolist() == [22, 32]
    named = Sequential({"plus": Add(1), "times": Times(2)})
    assert named(tensor(3.0)).item() == 8 and named.times.number == 2
    assert Sequential()(5) == 5


def test_sequential_is_a_list_of_modules():
    first, second, third = Add(1), Add(2), Add(3)
    model = Sequential(first, second)
    assert model.append(third) is model and list(model) == [first, second, third]
    assert len(model) == 3 and model[-1] is third and third in model
    assert model.pop(0) is first and list(model) == [second, third]
    assert model.insert(1, first) is model
    assert list(model) == [second, first, third] and model.pop() is third
    model.insert(-1, third)
    assert list(model) == [second, third, first]
    del model[:2]
    assert list(model) == [first] and [name for name, _ in model.named_children()] == ["0"]
    model[0] = second
    model += Sequential(third)
    assert list(model + model) == [second, third, second, third]
    model *= 2
    assert list(model) == [second, third, second, third]
    model.extend(model)
    assert len(model) == 8


def test_appending_to_a_slice_that_kept_its_names_loses_nothing():
    model = Sequential(Add(1), Add(2), Add(3))[1:]
    assert [name for name, _ in model.named_children()] == ["1", "2"]
    model.append(Add(4))
    assert [module.number for module in model] == [2, 3, 4]


def test_a_slice_shares_its_modules():
    layers = Linear(), Linear()
    model = Sequential(*layers)
    assert model[:1][0] is layers[0] and type(model[:1]) is Sequential
    modules = ModuleList(layers)
    assert list(modules[::-1]) == [layers[1], layers[0]] and type(modules[1:]) is ModuleList


def test_a_module_list_inserts_at_either_end():
    modules = ModuleList([Add(1)])
    modules.insert(1, Add(2))
    assert modules.insert(-2, Add(0)) is None  # as a list's; a Sequential's returns itself
    assert [module.number for module in modules] == [0, 1, 2]
    with pytest.raises(IndexError, match="Index out of range: 4"):
        modules.insert(4, Add(1))
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        modules.insert(0, 3)  # type: ignore[arg-type]
    assert len(modules) == 3


def test_containers_register_what_they_hold(device: str):
    model = Module()
    model.sequence = Sequential(Linear(), ModuleList([Linear()]))
    model.named = ModuleDict({"one": Linear()})
    model.weights = ParameterList([ones(1), Parameter(ones(2))])
    model.table = ParameterDict({"w": ones(3), "text": "kept"})
    assert [name for name, _ in model.named_parameters()] == [
        "sequence.0.weight",
        "sequence.0.bias",
        "sequence.1.0.weight",
        "sequence.1.0.bias",
        "named.one.weight",
        "named.one.bias",
        "weights.0",
        "weights.1",
        "table.w",
    ]
    model.to(device, tinygrad_rnn.float64)
    assert model.table["w"].dtype == model.weights[1].dtype == tinygrad_rnn.float64
    assert model.weights[0].device.type == device
    values = {name: value + 1 for name, value in model.state_dict().items()}
    model.load_state_dict(values)
    assert model.table["w"].tolist() == [2, 2, 2] and model.table["text"] == "kept"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_containers_are_copied_and_pickled(duplicate: Callable[[Any], Any]):
    for container in (
        Sequential(Add(1), Times(2)),
        ModuleList([Add(1)]),
        ModuleDict({"one": Add(1)}),
        ParameterList([ones(1), 2]),
        ParameterDict({"one": ones(1)}),
    ):
        assert repr(duplicate(container)) == repr(container)


def test_dicts_are_dicts_and_modules():
    layer, other = Linear(), Linear()
    modules = ModuleDict({"a": layer})
    assert modules["a"] is layer and modules.get("b") is None and "a" in modules
    modules.update(b=other)
    assert list(modules) == ["a", "b"] and list(modules.values()) == [layer, other]
    assert modules.pop("a") is layer and modules.pop("a", None) is None and len(modules) == 1
    with pytest.raises(KeyError):
        modules["a"]
    assert {modules: 1}[modules] == 1 and modules != ModuleDict({"b": other})
    parameters = ParameterDict({"w": ones(1)})
    assert isinstance(parameters["w"], Parameter) and parameters.w is parameters["w"]
    with pytest.raises(KeyError, match="'b'"):
        parameters["b"]
    with pytest.raises(KeyError, match="'b'"):
        parameters.pop("b")
    with pytest.raises(KeyError, match="already exists"):
        parameters["training"] = ones(1)
    assert parameters.training is True
    with pytest.raises(TypeError, match="ParameterDict keys must be strings, got int"):
        parameters[3] = ones(1)  # type: ignore[index]
    assert dict(parameters) == {"w": parameters["w"]}
    parameters.clear()
    assert not list(parameters.parameters())
    with pytest.raises(KeyError, match="is empty"):
        parameters.popitem()


# ----- side by side with PyTorch -----


@pytest.fixture(scope="module")
def theirs() -> SimpleNamespace:
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    return library(torch, torch.nn)


def three(lib: Any) -> Any:
    return lib.nn.Sequential(lib.Linear(1, 1), lib.Linear(2, 2), lib.Linear(3, 3))


def modules(lib: Any) -> Any:
    return lib.nn.ModuleList(list(three(lib)))


def after(make: Callable[[Any], Any], *changes: Callable[[Any, Any], Any]) -> Any:
    """A program: a container after some changes, and what these returned."""

    def program(lib: Any) -> Any:
        container = make(lib)
        returned = [change(container, lib) for change in changes]
        return container, returned, list(container.state_dict()), len(container)

    return program


def list_of(*values: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda lib: lib.nn.ParameterList([value(lib.torch) for value in values])


def dict_of(**values: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda lib: lib.nn.ParameterDict({k: value(lib.torch) for k, value in values.items()})


one = lambda torch: torch.ones(1)  # noqa: E731
two = lambda torch: torch.ones(2, 3, dtype=torch.float64)  # noqa: E731
number = lambda torch: 3  # noqa: E731

SAME = {
    # Sequential
    "sequential": after(three),
    "empty": lambda lib: (lib.nn.Sequential(), lib.nn.ModuleList(), lib.nn.ModuleDict()),
    "named": lambda lib: lib.nn.Sequential(OrderedDict(a=lib.Linear(), b=lib.Linear())),
    "named, cut": lambda lib: lib.nn.Sequential(OrderedDict(a=lib.Linear(), b=lib.Linear()))[1:],
    "delete": after(three, lambda m, lib: m.__delitem__(0)),
    "delete slice": after(three, lambda m, lib: m.__delitem__(slice(0, 3, 2))),
    "delete nothing": after(three, lambda m, lib: m.__delitem__(3)),
    "set": after(three, lambda m, lib: m.__setitem__(-1, lib.Linear())),
    "set number": after(three, lambda m, lib: m.__setitem__(0, 3)),
    "set nothing": after(three, lambda m, lib: m.__setitem__(3, lib.Linear())),
    "get": lambda lib: three(lib)[-3],
    "get nothing": lambda lib: three(lib)[3],
    "get below": lambda lib: three(lib)[-4],
    "get by name": lambda lib: three(lib)["0"],
    "slice": lambda lib: three(lib)[1:],
    "append": after(three, lambda m, lib: m.append(lib.Linear())),
    "append number": after(three, lambda m, lib: m.append(3)),
    "extend": after(three, lambda m, lib: m.extend([lib.Linear(), lib.Linear(4, 4)])),
    "insert": after(three, lambda m, lib: m.insert(1, lib.Linear())),
    "insert from the end": after(three, lambda m, lib: m.insert(-1, lib.Linear())),
    "insert nowhere": after(three, lambda m, lib: m.insert(4, lib.Linear())),
    "pop": after(three, lambda m, lib: m.pop(1)),
    "pop last": after(three, lambda m, lib: m.pop(-1)),
    "pop nothing": after(three, lambda m, lib: m.pop(3)),
    "add": lambda lib: three(lib) + three(lib),
    "add list": lambda lib: three(lib) + [lib.Linear()],
    "add in place": after(three, lambda m, lib: m.__iadd__(three(lib)) is m),
    "times": lambda lib: (three(lib) * 2, 2 * three(lib)),
    "times in place": after(three, lambda m, lib: m.__imul__(3) is m),
    "module is no module": lambda lib: lib.nn.Sequential(lib.Linear(), 3),
    "list is no module": lambda lib: lib.nn.Sequential([lib.Linear()]),
    "dir": lambda lib: "0" in dir(three(lib)),
    # ModuleList
    "list": after(modules),
    "list of equals": lambda lib: lib.nn.ModuleList(
        [lib.Linear(), lib.Linear(), lib.Linear(1, 1), lib.Linear(), three(lib), three(lib)]
    ),
    "list, add": lambda lib: modules(lib) + [lib.Linear()],
    "list, add in place": after(modules, lambda m, lib: m.__iadd__([lib.Linear()]) is m),
    "list, slice": lambda lib: (modules(lib)[::2], modules(lib)[5:]),
    "list, delete": after(modules, lambda m, lib: m.__delitem__(-1)),
    "list, delete slice": after(modules, lambda m, lib: m.__delitem__(slice(1, None))),
    "list, set": after(modules, lambda m, lib: m.__setitem__(1, lib.Linear())),
    "list, pop": after(modules, lambda m, lib: m.pop(0)),
    "list, pop slice": after(modules, lambda m, lib: m.pop(slice(0, 2))),
    "list, insert": after(modules, lambda m, lib: m.insert(1, lib.Linear()) and None),
    "list, call": lambda lib: modules(lib)(1),
    "list of number": lambda lib: lib.nn.ModuleList([3]),
    "number for list": lambda lib: lib.nn.ModuleList(3),
    "extend by number": lambda lib: modules(lib).extend(3),
    "list nothing": lambda lib: modules(lib)[3],
    # ModuleDict
    "dict": lambda lib: lib.nn.ModuleDict({"b": lib.Linear(), "a": three(lib), "n": None}),
    "dict of pairs": lambda lib: lib.nn.ModuleDict([("b", lib.Linear()), ["a", lib.Linear()]]),
    "dict of dict": lambda lib: lib.nn.ModuleDict(lib.nn.ModuleDict({"b": lib.Linear()})),
    "dict, taken name": lambda lib: lib.nn.ModuleDict({"keys": lib.Linear()}),
    "dict, dot": lambda lib: lib.nn.ModuleDict({"a.b": lib.Linear()}),
    "dict of number": lambda lib: lib.nn.ModuleDict({"a": 3}),
    "number for dict": lambda lib: lib.nn.ModuleDict(3),
    "dict nothing": lambda lib: lib.nn.ModuleDict({})["a"],
    "dict, pop nothing": lambda lib: lib.nn.ModuleDict({}).pop("a"),
    # ParameterList
    "parameters": list_of(one, two, number),
    "one parameter": list_of(one),
    "no parameters": list_of(),
    "parameters, state": after(list_of(one, number, two)),
    "parameters, set": after(list_of(one, two), lambda m, lib: m.__setitem__(-1, one(lib.torch))),
    "parameters, set number": after(list_of(one), lambda m, lib: m.__setitem__(0, 3)),
    "parameters, set nothing": after(list_of(one), lambda m, lib: m.__setitem__(1, 3)),
    "parameters, append": after(list_of(one), lambda m, lib: m.append(two(lib.torch))),
    "parameters, extend": after(list_of(one), lambda m, lib: m.extend([two(lib.torch), 3])),
    "parameters, add in place": after(list_of(one), lambda m, lib: m.__iadd__([3]) is m),
    "parameters, add": lambda lib: list_of(one)(lib) + [3],
    "parameters, slice": lambda lib: list_of(one, two, number)(lib)[1:],
    "parameters, get": lambda lib: list_of(one, two)(lib)[-1],
    "parameters, nothing": lambda lib: list_of(one, two)(lib)[2],
    "parameters, call": lambda lib: list_of(one, two)(lib)(),
    "number for parameters": lambda lib: lib.nn.ParameterList(3),
    "tensor for parameters": lambda lib: lib.nn.ParameterList(lib.torch.ones(2)),
    "integer parameters": lambda lib: lib.nn.ParameterList([lib.torch.tensor([1])]),
    # ParameterDict
    "table": dict_of(b=one, a=two, c=number),
    "table, state": after(dict_of(b=one, a=two, c=number)),
    "table of one": dict_of(b=one),
    "empty table": dict_of(),
    "table of pairs": lambda lib: lib.nn.ParameterDict(
        [("b", one(lib.torch)), ("a", two(lib.torch))]
    ),
    "table in order": lambda lib: lib.nn.ParameterDict(
        OrderedDict(b=one(lib.torch), a=two(lib.torch))
    ),
    "table, keys": lambda lib: [*dict_of(b=one, a=two)(lib).keys()],
    "table, items": lambda lib: [*dict_of(b=one, a=two)(lib).items()],
    "table, values": lambda lib: [*dict_of(b=one, a=two)(lib).values()],
    "table, reversed": lambda lib: [*reversed(dict_of(b=one, a=two)(lib))],
    "table, get": lambda lib: [dict_of(b=one)(lib).get(key, 3) for key in "ab"],
    "table, set default": after(
        dict_of(b=one), lambda m, lib: [m.setdefault(key, 3) for key in "ab"]
    ),
    "table, pop": after(dict_of(b=one, a=two), lambda m, lib: m.pop("a")),
    "table, popitem": after(dict_of(b=one, a=two), lambda m, lib: m.popitem()),
    "table, delete": after(dict_of(b=one, a=two), lambda m, lib: m.__delitem__("a")),
    "table, clear": after(dict_of(b=one, a=two), lambda m, lib: m.clear()),
    "table, set": after(dict_of(b=one), lambda m, lib: m.__setitem__("b", two(lib.torch))),
    "table, set number": after(dict_of(b=one), lambda m, lib: m.__setitem__("b", 3)),
    "table, copy": lambda lib: dict_of(b=one, a=two)(lib).copy(),
    "table, from keys": lambda lib: dict_of(b=one)(lib).fromkeys(["x", "y"], 3),
    "table, or": lambda lib: dict_of(b=one)(lib) | dict_of(a=two, b=two)(lib),
    "table, or in place": after(dict_of(b=one), lambda m, lib: m.__ior__(dict_of(a=two)(lib)) is m),
    "table, taken": lambda lib: lib.nn.ParameterDict({"keys": lib.torch.ones(1)}),
}


@pytest.mark.parametrize("name", SAME)
def test_same_as_pytorch(name: str, theirs: SimpleNamespace):
    expected = outcome(SAME[name], theirs)
    assert outcome(SAME[name], OURS) == expected


SAME_KIND = {
    "times nothing": lambda lib: three(lib) * 0,
    "times text": lambda lib: three(lib) * "a",
    "extend by number": lambda lib: three(lib).extend(3),
    "dict of no pairs": lambda lib: lib.nn.ModuleDict([3]),
    "dict of triples": lambda lib: lib.nn.ModuleDict([(1, 2, 3)]),
    "dict, number for name": lambda lib: lib.nn.ModuleDict([(3, lib.Linear())]),
    "number for table": lambda lib: lib.nn.ParameterDict(3),
    "table, number for key": lambda lib: lib.nn.ParameterDict({3: lib.torch.ones(1)}),
    "table, delete nothing": lambda lib: lib.nn.ParameterDict({}).__delitem__("a"),
    "table, dot": lambda lib: lib.nn.ParameterDict({"a.b": lib.torch.ones(1)}),
}


@pytest.mark.parametrize("name", SAME_KIND)
def test_same_kind_of_error_as_pytorch(name: str, theirs: SimpleNamespace):
    expected, got = outcome(SAME_KIND[name], theirs), outcome(SAME_KIND[name], OURS)
    assert isinstance(expected, tuple) and expected[0] is got[0]
