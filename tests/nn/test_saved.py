"""What a module's state dict holds besides tensors, and methods that change how it is made."""

from collections import OrderedDict

import pytest

import tinygrad_rnn as tg

from ..both import t as t


def counting(t):
    class Counting(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.count = t.nn.Parameter(t.ones(2)), {"n": 1}

        def get_extra_state(self):
            return self.count

        def set_extra_state(self, state):
            self.count = state

    return Counting()


def test_extra_state(t):
    outer = t.nn.Sequential(counting(t), t.nn.Tanh())
    outer[0].count = {"n": 7}
    state = outer.state_dict()
    assert list(state) == ["0.w", "0._extra_state"] and state["0._extra_state"] == {"n": 7}
    other = t.nn.Sequential(counting(t), t.nn.Tanh())
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other[0].count == {"n": 7}
    del state["0._extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"0._extra_state"'):
        other.load_state_dict(state)
    assert other.load_state_dict(state, strict=False).missing_keys == ["0._extra_state"]
    plain = t.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"_extra_state"'):
        plain.load_state_dict({**plain.state_dict(), "_extra_state": 1})
    for call in (plain.get_extra_state, lambda: plain.set_extra_state(1)):
        with pytest.raises(RuntimeError):
            call()


def test_extra_state_stays_if_loading_fails():
    module = counting(tg)
    with pytest.raises(RuntimeError, match="size mismatch"):
        module.load_state_dict({"w": tg.ones(3), "_extra_state": {"n": 9}})
    assert module.count == {"n": 1} and module.w.shape == (2,)


def test_own_loading_and_saving(t):
    class Renamed(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.new = t.nn.Linear(2, 1)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "format"] = t.tensor(2)

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, *lists):
            assert strict is True and local_metadata.get("version", 1) == 1
            state_dict.pop(prefix + "format", None)
            for key in [key for key in state_dict if key.startswith(prefix + "old.")]:
                name = key.rpartition(".")[2]
                state_dict[f"{prefix}new.{name}"] = state_dict.pop(key)
            super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, *lists)

    module = Renamed()
    state = module.state_dict()
    assert list(state) == ["format", "new.weight", "new.bias"]
    given = {"old.weight": t.zeros(1, 2), "old.bias": t.ones(1)}
    assert str(module.load_state_dict(given)) == "<All keys matched successfully>"
    assert module.new.bias.tolist() == [1] and list(given) == ["old.weight", "old.bias"]


def test_older_hooks(t):
    module, seen = t.nn.Linear(1, 1, bias=False), []
    module._register_state_dict_hook(lambda m, state, prefix, meta: {**state, "more": t.ones(1)})
    assert list(module.state_dict()) == ["weight", "more"]
    module._register_load_state_dict_pre_hook(lambda state, prefix, *_: state.pop("more"))
    module._register_load_state_dict_pre_hook(lambda *args: seen.append(args), with_module=True)
    module.load_state_dict({"weight": t.ones(1, 1), "more": t.ones(1)})
    assert seen[0][0] is module and len(seen[0]) == 8 and module.weight.item() == 1
    module.register_state_dict_post_hook(lambda *_: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        module.state_dict()


def test_hooks_as_pytorch_shows_them(t):
    module = t.nn.Linear(1, 1)
    calls = []
    handle = module.register_forward_hook(lambda *_: calls.append("after"))
    module.register_forward_pre_hook(lambda *_: calls.append("before"))
    module(t.ones(1))
    assert calls == ["before", "after"]
    assert len(module._forward_hooks) == len(module._forward_pre_hooks) == 1
    assert len(module._backward_hooks) == len(module._backward_pre_hooks) == 0
    assert list(module._forward_hooks) == [handle.id] and handle.id in module._forward_hooks
    assert callable(module._forward_hooks[handle.id]) and 12345 not in module._forward_hooks
    assert repr(module._forward_hooks).startswith("OrderedDict(")
    module._forward_pre_hooks.clear()
    module(t.ones(1))
    assert calls == ["before", "after", "after"]
    module._forward_hooks = OrderedDict()
    module._forward_pre_hooks[3] = lambda *_: calls.append("put")
    module(t.ones(1))
    assert calls == ["before", "after", "after", "put"]
    with pytest.raises(KeyError):
        del module._forward_hooks[3]
    assert len(module._forward_pre_hooks) == 1


def test_memory_and_places(t):
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Sequential(t.nn.BatchNorm1d(3)))
    before = model[0].weight
    assert model.to_empty(device=before.device) is model
    assert model[0].weight.shape == (3, 2) and model[1][0].running_mean.shape == (3,)
    model.set_submodule("1.0", t.nn.Tanh())
    model.set_submodule("1.1", t.nn.ReLU())
    assert isinstance(model[1][0], t.nn.Tanh) and isinstance(model[1][1], t.nn.ReLU)
    for target, module, error in (
        ("", t.nn.Tanh(), ValueError), ("1.0", 3, ValueError), ("2.0", t.nn.Tanh(), AttributeError),
        ("0.weight", t.nn.Tanh(), AttributeError),
    ):  # fmt: skip
        with pytest.raises(error):
            model.set_submodule(target, module)
    with pytest.raises(AttributeError):
        model.set_submodule("1.2", t.nn.Tanh(), strict=True)


def test_prefixes(t):
    module = t.nn.Linear(1, 2)
    state = t.nn.DataParallel(module).state_dict()
    assert list(state) == ["module.weight", "module.bias"]
    t.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"] and list(state._metadata)[-1] == ""
    assert str(module.load_state_dict(state)) == "<All keys matched successfully>"


def test_data_parallel():
    module = tg.nn.GRU(2, 3)
    wrapped = tg.nn.DataParallel(module, device_ids=[0])
    x = tg.randn(4, 5, 2)
    assert tg.equal(wrapped(x)[0], module(x)[0]) and wrapped.module is module
    assert wrapped.eval().module.training is False
