"""Modules and parameters. `test_module_parity` compares them with PyTorch's."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn
from tinygrad_rnn import tensor
from tinygrad_rnn.nn.module import Module
from tinygrad_rnn.nn.parameter import Buffer, Parameter

from ..both import t as t
from .two_libraries import OURS, look

Linear, Net = OURS.Linear, OURS.Net


def test_a_parameter_shares_the_memory_of_its_data():
    data = tensor([1.0, 2.0])
    parameter = Parameter(data)
    assert parameter.requires_grad and parameter.is_leaf and not data.requires_grad
    with tinygrad_rnn.no_grad():
        parameter.add_(1)
    assert data.tolist() == [2.0, 3.0]
    assert data._version == parameter._version
    assert look(parameter) == "Parameter containing:\ntensor([2., 3.], requires_grad=True)"
    assert Parameter().shape == (0,)
    assert type(parameter * 2) is tinygrad_rnn.Tensor


def test_a_parameter_of_a_computed_tensor_is_a_leaf():
    x = tensor([1.0], requires_grad=True)
    parameter = Parameter(x * 2)
    (parameter * 3).sum().backward()
    assert parameter.grad.tolist() == [3.0] and x.grad is None


def test_what_is_no_tensor_is_no_parameter():
    with pytest.raises(TypeError, match=r"Parameter\(\): data must be a Tensor, got list"):
        Parameter([1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Buffer\(\): data must be a Tensor, got int"):
        Buffer(3)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="floating point"):
        Parameter(tensor([1]))
    assert Parameter(tensor([1]), requires_grad=False).tolist() == [1]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_parameters_and_buffers_are_copied_and_pickled(duplicate: Callable[[Any], Any]):
    parameter = Parameter(tensor([1.0, 2.0]))
    parameter.sum().backward()
    twin = duplicate(parameter)
    assert type(twin) is Parameter and twin.requires_grad and twin.grad is None
    twin.data[0] = 5
    assert twin.tolist() == [5.0, 2.0] and parameter.tolist() == [1.0, 2.0]
    frozen = duplicate(Parameter(tensor([1.0]), requires_grad=False))
    assert not frozen.requires_grad
    buffer = duplicate(Buffer(tensor([1, 2]), persistent=False))
    assert type(buffer) is Buffer and not buffer.persistent and buffer.tolist() == [1, 2]


class Pickled(Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(tensor([1.0]))
        self.tied = self.weight
        self.child = Module()
        self.register_buffer("mean", tensor([0.5]))
        self.register_forward_hook(add_one)

    def forward(self, x):
        return x * self.weight


def add_one(module: Module, args: Any, output: Any) -> Any:
    return output + 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_modules_are_copied_and_pickled_whole(duplicate: Callable[[Any], Any]):
    module = Pickled().eval()
    twin = duplicate(module)
    assert [name for name, _ in twin.named_parameters()] == ["weight"]  # still tied
    assert twin.weight is twin.tied and twin.weight is not module.weight
    assert not twin.training and twin.mean.tolist() == [0.5] and twin.child is not module.child
    assert twin(tensor([3.0])).tolist() == [4.0]
    twin.weight.data.fill_(7)
    assert module.weight.item() == 1


def test_a_name_keeps_its_place_when_its_parameter_is_replaced():
    layer = Linear()
    layer.weight = Parameter(tensor([1.0]))
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_forgetting_super_init_says_what_to_do():
    class Forgetful(Module):
        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\)"):
        Forgetful()(1)
    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\)"):
        Forgetful().child = Module()


def test_a_class_attribute_does_not_hide_a_parameter():
    class Hiding(Module):
        weight = None

    with pytest.raises(KeyError, match="attribute 'weight' already exists"):
        Hiding().weight = Parameter(tensor([1.0]))


def test_a_module_may_have_the_name_of_a_method(t):
    class Named(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.parameters = t.nn.ParameterList([t.nn.Parameter(t.zeros(2))])
            self.half = t.nn.Linear(2, 1)

    net = Named()
    assert [*net.state_dict()] == ["parameters.0", "half.weight", "half.bias"]
    assert len(list(net.parameters())) == 3
    with pytest.raises(KeyError, match="attribute 'eval' already exists"):
        net.eval = t.nn.Parameter(t.zeros(2))


def test_casting_and_moving_keeps_the_parameters(device: str):
    net = Net()
    parameters, steps = list(net.parameters()), net.steps
    net(tensor([[1.0, 2.0]])).sum().backward()
    grads = [p.grad for p in parameters]
    assert net.to(device, tinygrad_rnn.float64) is net
    for kept, now, grad in zip(parameters, net.parameters(), grads, strict=True):
        assert now is kept and now.grad is grad
        assert now.dtype == grad.dtype == tinygrad_rnn.float64
        assert now.device.type == grad.device.type == device
    assert net.steps.dtype == tinygrad_rnn.int64 and net.steps.device.type == device
    assert net.cache.dtype == tinygrad_rnn.float64
    assert (net.steps is steps) == (device == "cpu")
    x = tensor([[1.0, 2.0]], dtype=tinygrad_rnn.float64, device=device)
    before = net.scale.grad.item()
    net(x).sum().backward()
    assert net.scale.grad.item() == 2 * before
    net.cpu().float()
    assert {(p.dtype, p.device.type) for p in parameters} == {(tinygrad_rnn.float32, "cpu")}


def test_a_state_dict_shares_memory_and_loads_from_any_device(device: str):
    net = Net().to(device)
    state = net.state_dict()
    state["scale"].fill_(5)
    assert net.scale.item() == 5 and not state["scale"].requires_grad
    other = Net()
    assert repr(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other.scale.item() == 5 and other.scale.device.type == "cpu"


@pytest.mark.parametrize("assign", [False, True])
def test_nothing_is_loaded_where_something_does_not_fit(assign: bool):
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state: dict[str, Any] = {name: value + 1 for name, value in before.items()}
    for name, bad in [
        ("body.last.bias", tensor([1.0, 2.0, 3.0])),
        ("body.last.bias", "text"),
        ("body.last.bias", np.array(["a", "b"])),
        ("body.last.nothing", tensor(1.0)),
    ]:
        with pytest.raises(RuntimeError, match=name):
            net.load_state_dict({**state, name: bad}, assign=assign)
        after = net.state_dict()
        assert all(tinygrad_rnn.equal(after[key], before[key]) for key in before)
    del state["scale"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"scale"'):
        net.load_state_dict(state, assign=assign)
    assert tinygrad_rnn.equal(net.first.bias, before["first.bias"])


def test_assigning_integers_to_a_parameter_that_trains_is_refused():
    layer = Linear()
    state = {"weight": tensor([[1, 2], [3, 4]]), "bias": tensor([1.0, 2.0])}
    with pytest.raises(RuntimeError, match=r"dtype mismatch for weight: .* torch.int64"):
        layer.load_state_dict(state, assign=True)
    assert layer.bias.tolist() == [0, 0]
    layer.load_state_dict(state)
    assert layer.weight.tolist() == [[1, 2], [3, 4]] and layer.weight.is_floating_point()


def test_arrays_are_loaded_as_tensors_are():
    layer = Linear()
    state = {"weight": np.arange(4.0).reshape(2, 2), "bias": np.ones(2, np.float16)}
    layer.load_state_dict(state)
    assert layer.weight.tolist() == [[0, 1], [2, 3]] and layer.weight.dtype == tinygrad_rnn.float32
    layer.load_state_dict(state, assign=True)
    assert layer.weight.dtype == tinygrad_rnn.float64 and layer.weight.requires_grad
    assert isinstance(layer.bias, Parameter) and layer.bias.dtype == tinygrad_rnn.float16


def test_assigning_leaves_the_given_tensors_as_they_are():
    net, given = Net(), tensor([3.0, 4.0], requires_grad=True)
    net.load_state_dict({"steps": given}, strict=False, assign=True)
    assert net.steps is given and given.requires_grad
    net.load_state_dict({"first.bias": given[0].expand(3)}, strict=False, assign=True)
    assert net.first.bias.is_leaf and net.first.bias.tolist() == [3, 3, 3]


def test_loading_between_forward_and_backward_is_noticed():
    layer = Linear()
    loss = (layer(tensor([1.0, 2.0], requires_grad=True)) ** 2).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_state_dict_hooks():
    layer, seen = Linear(), []
    layer.register_state_dict_pre_hook(lambda module, prefix, keep: seen.append(("pre", prefix)))
    layer.register_state_dict_post_hook(
        lambda module, state, prefix, metadata: state.update({prefix + "extra": metadata})
    )

    def rename(module, state, prefix, *rest: Any) -> None:
        assert state.pop(prefix + "extra") == {"version": 1}

    layer.register_load_state_dict_pre_hook(rename)
    layer.register_load_state_dict_post_hook(lambda module, keys: seen.append(keys))
    outer = Module()
    outer.layer = layer
    state = outer.state_dict()
    assert list(state) == ["layer.weight", "layer.bias", "layer.extra"]
    result = outer.load_state_dict(state)
    assert seen == [("pre", "layer."), result]
    assert "layer.extra" in state  # the caller's dict stays as it was
