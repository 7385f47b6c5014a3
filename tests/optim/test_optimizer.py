"""Groups, states, hooks, texts and errors of optimizers."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn, optim

from ..both import t as t
from ..nn.side_by_side import pytorch, refused
from .cases import CASES, give_gradients, run, start

# ----- state dicts -----


def to_torch(torch, state_dict):
    """Our state dict with PyTorch's tensors."""
    state = {
        number: {key: torch.tensor(value.numpy(force=True)) for key, value in values.items()}
        for number, values in state_dict["state"].items()
    }
    return {"state": state, "param_groups": state_dict["param_groups"]}


@pytest.mark.parametrize("case", CASES)
def test_training_goes_on_in_the_other_library(case):
    torch = pytorch()
    name, options = CASES[case]
    kinds = {tg: getattr(optim, name), torch: getattr(torch.optim, name)}
    straight = start(torch)
    expected = run(torch, kinds[torch](straight, **options), straight, range(6))
    for first, second in ((tg, torch), (torch, tg)):
        params = start(first)
        optimizer = kinds[first](params, **options)
        values = run(first, optimizer, params, range(3))
        state_dict = optimizer.state_dict()
        params = [second.tensor(v, requires_grad=True) for v in values]
        optimizer = kinds[second](params)  # the options come with the state
        optimizer.load_state_dict(to_torch(torch, state_dict) if second is torch else state_dict)
        for a, b in zip(run(second, optimizer, params, range(3, 6)), expected, strict=True):
            # PyTorch goes on in float64 with the float32 product in NAdam's state
            rtol = 1e-7 if name == "NAdam" and second is torch else 1e-12
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_training_goes_on_after_loading(case):
    name, options = CASES[case]
    straight = start(tg)
    expected = run(tg, getattr(optim, name)(straight, **options), straight, range(6))
    params = start(tg)
    first = getattr(optim, name)(params, **options)
    run(tg, first, params, range(3))
    second = getattr(optim, name)(params)
    second.load_state_dict(pickle.loads(pickle.dumps(first.state_dict())))
    for a, b in zip(run(tg, second, params, range(3, 6)), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loaded_state_is_a_copy_in_the_parameter_s_dtype_and_place(device):
    source = optim.Adam(params := start(tg))
    run(tg, source, params, range(1))
    state_dict = source.state_dict()
    target_params = start(tg, "float32", device)
    target = optim.Adam(target_params)
    target.load_state_dict(state_dict)
    before = state_dict["state"][0]["exp_avg"].tolist()
    for p in target_params:
        state = target.state[p]
        assert state["exp_avg"].dtype is tg.float32 and state["exp_avg"].device.type == device
        assert state["step"].item() == 1
    run(tg, target, target_params, range(1))
    assert state_dict["state"][0]["exp_avg"].tolist() == before
    state_dict["param_groups"][0]["lr"] = 7
    assert target.param_groups[0]["lr"] == 0.001


def test_state_dict_numbers_parameters_over_all_groups():
    a, b, c = start(tg)
    optimizer = optim.SGD([{"params": [a, b]}, {"params": [c], "lr": 1}], momentum=0.9)
    give_gradients(tg, [a, b, c], 0)
    assert optimizer.state_dict()["state"] == {}
    optimizer.step()
    state_dict = optimizer.state_dict()
    assert [group["params"] for group in state_dict["param_groups"]] == [[0, 1], [2]]
    assert list(state_dict["state"]) == [0, 1, 2]
    assert state_dict["state"][2]["momentum_buffer"] is optimizer.state[c]["momentum_buffer"]


def test_hyperparameters_that_an_old_state_dict_lacks_stay():
    optimizer = optim.SGD(start(tg), nesterov=True, momentum=0.5)
    optimizer.load_state_dict({"state": {}, "param_groups": [{"lr": 3, "params": [0, 1, 2]}]})
    assert optimizer.param_groups[0]["lr"] == 3 and optimizer.param_groups[0]["nesterov"]


def test_copies_and_pickles():
    params = start(tg)
    optimizer = optim.Adam(params)
    run(tg, optimizer, params, range(1))
    twin_params, twin = copy.deepcopy((params, optimizer))
    assert twin.param_groups[0]["params"][0] is twin_params[0]
    assert twin.state[twin_params[0]]["exp_avg"] is not optimizer.state[params[0]]["exp_avg"]
    for a, b in zip(
        run(tg, twin, twin_params, range(1, 3)),
        run(tg, optimizer, params, range(1, 3)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


# ----- groups -----


def test_groups():
    a, b, c = start(tg)
    optimizer = optim.SGD([{"params": a, "lr": 0.5, "note": "mine"}, {"params": iter([b])}], lr=0.1)
    optimizer.add_param_group({"params": c, "momentum": 0.3})
    first, second, third = optimizer.param_groups
    assert first["params"] == [a] and first["lr"] == 0.5 and first["note"] == "mine"
    assert second["params"][0] is b and second["lr"] == 0.1
    assert third["momentum"] == 0.3 and second["momentum"] == 0
    assert optimizer.defaults["lr"] == 0.1


def test_a_group_s_dict_is_not_changed():
    group = {"params": start(tg)[0]}
    optim.SGD([group])
    assert list(group) == ["params"]


def test_as_text(t):
    groups = [{"params": [t.ones(1)], "lr": 0.5}, {"params": [t.ones(2)]}]
    lines = repr(t.optim.SGD(groups, lr=0.1)).split("\n")
    assert lines[:2] == ["SGD (", "Parameter Group 0"] and lines[-1] == ")"
    between = lines.index("Parameter Group 1")
    assert lines[between - 1] == "" and "    lr: 0.5" in lines[:between]
    assert "    lr: 0.1" in lines[between:] and not any("params" in line for line in lines)


def test_named_parameters():
    model = nn.Linear(2, 2)
    optimizer = optim.AdamW(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is model.bias


def test_duplicates_warn():
    a, *_ = start(tg)
    with pytest.warns(UserWarning, match="a parameter group with duplicate parameters"):
        optim.SGD([a, a])


def test_zero_grad():
    a, b, _ = params = start(tg)
    optimizer = optim.SGD(params)
    a.grad = grad = tg.ones(3, 4, dtype=tg.float64)
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is grad and not grad.any() and b.grad is None
    optimizer.zero_grad()
    assert a.grad is None
    (a**2).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert not a.grad.requires_grad and not a.grad.any()


def test_step_hooks(t):
    calls = []
    optimizer = t.optim.SGD([P(t)])
    before = optimizer.register_step_pre_hook(lambda *args: calls.append(("before", *args)))
    optimizer.register_step_post_hook(lambda *args: calls.append(("after", *args)))
    optimizer.step()
    assert calls == [
        ("before", optimizer, (optimizer,), {}),
        ("after", optimizer, (optimizer,), {}),
    ]
    before.remove()
    optimizer.register_step_pre_hook(lambda self, args, kwargs: (args, {"closure": lambda: 7}))
    assert optimizer.step() == 7
    assert [call[0] for call in calls] == ["before", "after", "after"]
    optimizer.register_step_pre_hook(lambda *args: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple"):
        optimizer.step()


def test_state_hooks(t):
    calls = []
    optimizer = t.optim.SGD([P(t)], lr=0.5)

    def marked(self, state_dict):
        calls.append("saved")
        return {**state_dict, "mark": 1}

    def halved(self, state_dict):
        calls.append("load")
        groups = [{**group, "lr": group["lr"] / 2} for group in state_dict["param_groups"]]
        return {**state_dict, "param_groups": groups}

    optimizer.register_state_dict_pre_hook(lambda self: calls.append("save"))
    optimizer.register_state_dict_pre_hook(lambda self: calls.append("save first"), prepend=True)
    optimizer.register_state_dict_post_hook(marked)
    optimizer.register_load_state_dict_pre_hook(halved)
    handle = optimizer.register_load_state_dict_post_hook(lambda self: calls.append("loaded"))
    state_dict = optimizer.state_dict()
    assert state_dict["mark"] == 1
    optimizer.load_state_dict(state_dict)
    assert optimizer.param_groups[0]["lr"] == 0.25 and state_dict["param_groups"][0]["lr"] == 0.5
    assert calls == ["save first", "save", "saved", "load", "loaded"]
    handle.remove()
    optimizer.load_state_dict(state_dict)
    assert calls[-1] == "load"


def test_an_optimizer_of_one_s_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, param, grad, state, group):
            state["count"] = state.get("count", 0) + 1
            param._array[...] -= group["lr"] * (grad > 0)

    x = tg.zeros(2, requires_grad=True)
    optimizer = SignDescent([x], lr=0.5)
    x.grad = tg.tensor([-3.0, 7.0])
    optimizer.step()
    assert x.tolist() == [0.0, -0.5]
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.state[x] == {"count": 1}
    with pytest.raises(NotImplementedError, match="Optimizer needs a method update"):
        unfinished = optim.Optimizer([x], {})
        unfinished.step()


def test_options_that_a_saved_optimizer_lacks(t):
    class Descent(t.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr, "sign": False})

        def __setstate__(self, state):
            super().__setstate__(state)
            for group in self.param_groups:
                group.setdefault("sign", False)

    x = t.zeros(2, requires_grad=True)
    optimizer = Descent([x], lr=0.5)
    optimizer.state[x]["count"] = 1
    saved = optimizer.state_dict()
    del saved["param_groups"][0]["sign"], optimizer.param_groups[0]["sign"]
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["sign"] is False and optimizer.state[x] == {"count": 1}
    del optimizer.param_groups[0]["sign"]
    assert copy.deepcopy(optimizer).param_groups[0]["sign"] is False


# ----- errors -----


def P(lib):
    return lib.zeros(2, requires_grad=True)


REFUSED = {
    "empty": (lambda lib: lib.optim.SGD([]), "optimizer got an empty parameter list"),
    "tensor": (lambda lib: lib.optim.SGD(P(lib)),
               "should be an iterable of Tensors or dicts, but got torch."),
    "computed": (lambda lib: lib.optim.SGD([P(lib) * 2]), "can't optimize a non-leaf Tensor"),
    "number": (lambda lib: lib.optim.SGD([1.0]),
               "optimizer can only optimize Tensors, but one of the params is float"),
    "set": (lambda lib: lib.optim.SGD([{"params": {P(lib)}}]), "Please use a list instead."),
    "names": (lambda lib: lib.optim.SGD([("a", P(lib)), P(lib)]), "Some param names are missing"),
    "two groups": (lambda lib: (lambda p: lib.optim.SGD([{"params": [p]}, {"params": p}]))(P(lib)),
                   "some parameters appear in more than one parameter group"),
    "group": (lambda lib: lib.optim.SGD([P(lib)]).add_param_group([P(lib)]),
              "param_group must be a dict, but got <class 'list'>"),
    "no params": (lambda lib: lib.optim.SGD([{"lr": 1}]), "params"),
    "nesterov": (lambda lib: lib.optim.SGD([P(lib)], nesterov=True),
                 "Nesterov momentum requires a momentum and zero dampening"),
    "damped": (lambda lib: lib.optim.SGD([P(lib)], nesterov=True, momentum=0.9, dampening=0.1),
               "Nesterov momentum requires a momentum and zero dampening"),
    "lr tensor": (lambda lib: lib.optim.SGD([P(lib)], lr=lib.ones(2)),
                  "Tensor lr must be 1-element"),
    "rho": (lambda lib: lib.optim.Adadelta([P(lib)], rho=1.5), "Invalid rho value: 1.5"),
    "etas": (lambda lib: lib.optim.Rprop([P(lib)], etas=(1.0, 2.0)),
             "Invalid eta values: 1.0, 2.0"),
    "integer betas": (lambda lib: lib.optim.Adam([P(lib)], betas=(0, 0.9)),
                      "betas must be either both floats or both Tensors"),
    "closure": (lambda lib: lib.optim.LBFGS([P(lib)]).step(), "closure"),
    "two groups of LBFGS": (lambda lib: lib.optim.LBFGS([{"params": P(lib)}, {"params": P(lib)}]),
                            "LBFGS doesn't support per-parameter options (parameter groups)"),
    "line search": (lambda lib: lib.optim.LBFGS([p := P(lib)], line_search_fn="x").step(
                        lambda: (p - 3).pow(2).sum().backward() or 3),
                    "only 'strong_wolfe' is supported"),
    "groups": (lambda lib: lib.optim.SGD([P(lib)]).load_state_dict(
                   lib.optim.SGD([{"params": P(lib)}, {"params": P(lib)}]).state_dict()),
               "loaded state dict has a different number of parameter groups"),
    "sizes": (lambda lib: lib.optim.SGD([P(lib)]).load_state_dict(
                  lib.optim.SGD([P(lib), P(lib)]).state_dict()),
              "a parameter group that doesn't match the size of optimizer's group"),
}  # fmt: skip
INVALID = {
    "SGD": ("lr", "momentum", "weight_decay"),
    "Adam": ("lr", "eps", "weight_decay"),
    "AdamW": ("lr", "eps", "weight_decay"),
    "RMSprop": ("lr", "eps", "weight_decay", "momentum", "alpha"),
    "Adagrad": ("lr", "eps", "weight_decay", "lr_decay", "initial_accumulator_value"),
    "Adadelta": ("lr", "rho", "eps", "weight_decay"),
    "Adamax": ("lr", "eps", "weight_decay"),
    "NAdam": ("lr", "eps", "weight_decay", "momentum_decay"),
    "RAdam": ("lr", "eps", "weight_decay"),
    "ASGD": ("lr", "weight_decay"),
    "Rprop": ("lr",),
    "LBFGS": ("lr",),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_pytorch_s(name):
    refused(*REFUSED[name])


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, options in INVALID.items() for option in options]
)
def test_negative_options(name, option):
    label = {"lr": "learning rate", "eps": "epsilon value"}.get(option, f"{option} value")
    refused(lambda lib: getattr(lib.optim, name)([P(lib)], **{option: -1}), f"Invalid {label}: -1")
    with pytest.raises(TypeError, match=f"Invalid {label}: expected a number, got str"):
        getattr(optim, name)([P(tg)], **{option: "1"})


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"])
def test_betas(name):
    for place, betas in enumerate([(1.0, 0.9), (0.9, -1.0)]):
        refused(
            lambda lib, betas=betas: getattr(lib.optim, name)([P(lib)], betas=betas),
            f"Invalid beta parameter at index {place}: {betas[place]}",
        )
    for betas in (3, (0.9,)):
        with pytest.raises(TypeError, match="Invalid betas: expected a pair of numbers"):
            getattr(optim, name)([P(tg)], betas=betas)


@pytest.mark.parametrize("name", sorted(INVALID.keys() - {"LBFGS"}))
def test_options_for_pytorch_s_sake(name):
    getattr(optim, name)([P(tg)], foreach=True)
    with pytest.raises(NotImplementedError, match="differentiable=True is not supported"):
        getattr(optim, name)([P(tg)], differentiable=True)
