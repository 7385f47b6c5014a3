"""Programs of one or two lines that call the library: valid ones, and bad ones made of them.

The valid ones are the examples in the docstrings, which every public function and class has, calls
of their methods, and, where PyTorch is installed, its own samples for operators and modules.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
from collections.abc import Callable
from random import Random
from typing import Any

import tinygrad_rnn

from .call_methods import METHODS

ROOTS = ("torch", "nn", "F", "optim", "text")
MODULES = (
    "", "accelerator", "amp", "autograd", "autograd.functional", "autograd.graph", "cuda",
    "distributions", "distributions.constraints", "distributions.transforms",
    "distributions.utils", "func", "linalg", "masked", "nn", "nn.functional", "nn.init",
    "nn.modules.module", "nn.utils", "nn.utils.parametrizations", "nn.utils.parametrize",
    "nn.utils.prune", "nn.utils.rnn", "optim", "optim.lr_scheduler", "optim.swa_utils", "random",
    "signal.windows", "special", "testing", "text", "utils", "utils.checkpoint", "utils.data",
    "utils.data.distributed", "utils.dlpack", "utils.interchange",
)  # fmt: skip
# Examples of these are left out: they write files, start processes, fetch texts, or change what
# all later calls depend on.
LEFT_OUT = re.compile(
    r"open\(|\bsave|load_t|load_sample|Path|tempfile|num_workers|spawn|download|jit\.|compile|"
    r"set_default|plot_|"
    r"set_num|set_printoptions|set_float32|use_deterministic|set_deterministic|set_detect|"
    r"set_rng_state|import |\.draw\(|Drawing|sample_text|time_machine"
)
CREATION = {
    f"torch.{name}"
    for name in ("tensor", "ones", "zeros", "empty", "arange", "device", "randn", "rand", "eye",
                 "full", "manual_seed")
}  # fmt: skip
LARGEST = 48  # elements of a tensor that is written out

# ----- values that are put in the place of others -----

NUMBERS = (
    "-1", "0", "1", "2", "3", "-2", "-7", "5", "100", "2**31", "-2**31", "2**62", "2**63",
    "-2**63", "10**30", "0.5", "-0.5", "1.0", "2.5", "1e30", "float('nan')", "float('inf')",
    "-float('inf')", "True", "False", "1j",
)  # fmt: skip
OBJECTS = (
    "None", "''", "'mean'", "'sum'", "'x'", "b'x'", "[]", "()", "{}", "[1]", "(1, 2)", "[-1]",
    "[[1, 2], [3, 4]]", "[[1], [2, 3]]", "(0, 0)", "[None]", "['a']", "[1.5]", "{'a': 1}",
    "object()", "int", "len", "slice(None)", "...", "range(3)", "(2, -1)", "(2**40, 2**40)",
    "torch.float16", "torch.float64", "torch.int64", "torch.bool", "torch.device('cpu')", "'cpu'",
    "'cuda'", "'cuda:1'", "'nowhere'", "torch.Size([2])", "torch.Generator()",
)  # fmt: skip
TENSORS = (
    "torch.tensor(2.0)", "torch.ones(0)", "torch.ones(1)", "torch.ones(3)", "torch.ones(2, 3)",
    "torch.ones(3, 2)", "torch.ones(2, 3, 4)", "torch.ones(1, 2, 3, 4)", "torch.ones(2, 0, 3)",
    "torch.zeros(2, 3)", "torch.ones(3, 3, dtype=torch.float64)", "torch.ones(3).half()",
    "torch.arange(3)", "torch.arange(6).reshape(2, 3)", "torch.tensor(1)", "torch.tensor([5, -9])",
    "torch.zeros(3, dtype=torch.int32)", "torch.zeros(2, 3, dtype=torch.uint8)",
    "torch.zeros(0, dtype=torch.int64)", "torch.ones(3, dtype=torch.bool)",
    "torch.tensor([1.0, float('nan'), float('inf')])", "torch.ones(2, 3).t()",
    "torch.ones(1, 3).expand(2, 3)", "torch.ones(2, 3, requires_grad=True)",
    "torch.eye(3) * 1e30", "[torch.ones(2), torch.ones(3)]", "(torch.ones(2), torch.ones(2))",
)  # fmt: skip
WRAPPED = (
    "({}).double()", "({}).half()", "({}).long()", "({}).bool()", "({}).int()", "({})[0]",
    "({})[None]", "({})[..., None]", "({}).reshape(-1)", "({})[:0]", "({}).mT", "({}).numpy()",
    "({}).tolist()", "({}) * float('nan')", "({}) - 1", "({}) * 100", "[{}]", "({},)", "[{}, {}]",
    "({}).requires_grad_()", "({}).sum()", "({}).unsqueeze(-1).expand(-1, 3)",
)  # fmt: skip
CHANGED = ("({}) + 1", "-({})", "({}) * 1000", "({}) - 1", "float({})", "str({})", "[{}]", "({},)",
           "({}, {})", "[{}, {}, {}]", "torch.tensor({})", "({}) + 0.5")  # fmt: skip


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


# ----- valid programs -----


def documented() -> list[str]:
    """The examples in the docstrings, each as one program, and calls of methods."""
    found = dict.fromkeys(METHODS)
    parser = doctest.DocTestParser()
    for place in MODULES:
        module = importlib.import_module(f"tinygrad_rnn.{place}".rstrip("."))
        for name, value in vars(module).items():
            if name.startswith("_") or not callable(value):
                continue
            if not getattr(value, "__module__", "").startswith("tinygrad_rnn"):
                continue
            sources = [e.source for e in parser.get_examples(value.__doc__ or "")]
            program = "".join(sources).strip()
            if program and not LEFT_OUT.search(program):
                found[program] = None
    return list(found)


class _Unwritten(Exception):
    """An argument that cannot be written down."""


def _written(value: Any) -> str:
    """A value of a sample of PyTorch's as an expression."""
    kind = type(value)
    if value is None or kind in (bool, int, str) or value is ...:
        return repr(value)
    if kind is float:
        return f"float('{value}')" if value != value or value in (1e999, -1e999) else repr(value)
    if kind in (list, tuple) or kind.__name__ == "Size":
        items = "".join(f"{_written(v)}, " for v in value)
        return f"[{items}]" if kind is list else f"({items})"
    if kind is slice:
        return f"slice({_written(value.start)}, {_written(value.stop)}, {_written(value.step)})"
    if kind.__name__ == "dtype" and not str(value).startswith(("torch.complex", "torch.bf")):
        return str(value)
    if hasattr(value, "detach") and not value.is_complex() and value.numel() <= LARGEST:
        if str(value.layout) != "torch.strided" or str(value.dtype) == "torch.bfloat16":
            raise _Unwritten
        if not value.numel():
            return f"torch.empty({tuple(value.shape)}, dtype={value.dtype})"
        numbers = re.sub(r"\b(nan|inf)\b", r"float('\1')", repr(value.detach().tolist()))
        return f"torch.tensor({numbers}, dtype={value.dtype})"
    raise _Unwritten


def _arguments(args: Any, kwargs: Any) -> str:
    written = [_written(v) for v in args] + [f"{k}={_written(v)}" for k, v in kwargs.items()]
    return ", ".join(written)


def sampled(each: int = 6) -> list[str]:
    """PyTorch's samples of operators and modules, at most so many of each and each dtype."""
    samples = importlib.import_module("tests.parity.op_samples")
    modules = importlib.import_module("tests.parity.test_module_db")
    torch = samples.torch
    found: dict[str, None] = {}
    for name, op in samples.OPERATORS.items():
        if name in samples.REORDERED or op.name.startswith("__"):
            continue
        for dtype in (torch.float32, torch.int64, torch.bool):
            if dtype not in op.supported_dtypes("cpu"):
                continue
            count = 0
            for sample in samples.samples(op, dtype, 40, False):
                try:
                    own = _arguments((), sample.kwargs)
                    args = [_written(v) for v in (sample.input, *sample.args)]
                except _Unwritten:
                    continue
                if samples.function(op) is not None and callable(_in(op.name)):
                    found[f"torch.{op.name}({', '.join([*args, *filter(None, [own])])})"] = None
                if hasattr(tinygrad_rnn.Tensor, op.name) and args[0].startswith("torch.tensor"):
                    rest = ", ".join([*args[1:], *filter(None, [own])])
                    for method in (op.name, f"{op.name}_"):
                        if callable(getattr(tinygrad_rnn.Tensor, method, None)):
                            found[f"{args[0]}.{method}({rest})"] = None
                count += 1
                if count == each:
                    break
    for name, info in modules.MODULES.items():
        for sample in modules._samples(info, torch.float32, True)[: 2 * each]:
            make, call = sample.constructor_input, sample.forward_input
            try:
                text = f"torch.nn.{name}({_arguments(make.args, make.kwargs)})"
                found[f"{text}({_arguments(call.args, call.kwargs)})"] = None
            except _Unwritten:
                continue
    return list(found)


def _in(dotted: str) -> Any:
    found: Any = tinygrad_rnn
    for part in dotted.split("."):
        found = getattr(found, part, None)
    return found


# ----- bad programs -----


def _root(node: ast.expr) -> str:
    """The name at the beginning of `torch.nn.Linear`; "" of other expressions."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _chosen(tree: ast.Module, random: Random) -> ast.Call | None:
    """A call of a program that may be changed, seldom one that only makes an input."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Call)
    ]
    others = [call for call in calls if ast.unparse(call.func) not in CREATION]
    if others and random.random() < 0.95:
        calls = others
    return random.choice(calls) if calls else None


def named(program: str) -> str:
    """What a program is about: the function of its last statement."""
    last = ast.parse(program).body[-1]
    calls = [node for node in ast.walk(last) if isinstance(node, ast.Call)]
    function = calls[0].func if calls else last
    while isinstance(function, ast.Call):
        function = function.func
    if isinstance(function, ast.Attribute) and not _root(function):
        return f".{function.attr}"
    return ast.unparse(function)


def _names(call: ast.Call) -> list[str]:
    """The parameters of what is called, if it is found by its name."""
    text = ast.unparse(call.func)
    root = _root(call.func)
    try:
        if root in ROOTS:
            dotted = {"torch": "", "nn": "nn.", "F": "nn.functional.", "optim": "optim.",
                      "text": "text."}[root] + text.partition(".")[2]  # fmt: skip
            target = _in(dotted)
        elif isinstance(call.func, ast.Attribute):
            target = getattr(tinygrad_rnn.Tensor, call.func.attr)
        else:
            return []
        return [n for n in inspect.signature(target).parameters if n not in ("self", "out")]
    except (TypeError, ValueError, AttributeError):
        return []


def _other(random: Random) -> ast.expr:
    return _expression(random.choice(random.choice((NUMBERS, OBJECTS, TENSORS))))


def _bent(node: ast.expr, random: Random) -> ast.expr:
    """Something similar to an argument."""
    if isinstance(node, ast.Starred):
        return ast.Starred(_bent(node.value, random), node.ctx)
    text = ast.unparse(node)
    number = isinstance(node, ast.Constant | ast.UnaryOp | ast.Tuple | ast.List)
    return _expression(random.choice(CHANGED if number else WRAPPED).replace("{}", text))


def _replace(call: ast.Call, random: Random, change: Callable[[ast.expr], ast.expr]) -> None:
    places = len(call.args) + len(call.keywords)
    if places == 0:
        return
    at = random.randrange(places)
    if at < len(call.args):
        call.args[at] = change(call.args[at])
    else:
        keyword = call.keywords[at - len(call.args)]
        keyword.value = change(keyword.value)


def _change(call: ast.Call, random: Random) -> None:
    """Change one thing about a call."""
    draw = random.random()
    if draw < 0.4:
        _replace(call, random, lambda _: _other(random))
    elif draw < 0.65:
        _replace(call, random, lambda node: _bent(node, random))
    elif draw < 0.85:
        given = {keyword.arg for keyword in call.keywords}
        names = [n for n in _names(call)[len(call.args) :] if n not in given]
        if names:
            name = random.choice(names)
            if name not in ("num_workers", "args", "kwargs"):
                call.keywords.append(ast.keyword(name, _other(random)))
    elif draw < 0.91 and call.args:
        del call.args[random.randrange(len(call.args))]
    elif draw < 0.96:
        call.args.insert(random.randint(0, len(call.args)), _other(random))
    elif draw < 0.98 and len(call.args) > 1:
        call.args[0], call.args[1] = call.args[1], call.args[0]
    elif all(keyword.arg != "no_such_argument" for keyword in call.keywords):
        call.keywords.append(ast.keyword("no_such_argument", _other(random)))


def bad(program: str, random: Random) -> str:
    """A program with one to three changes of the arguments of one call."""
    tree = ast.parse(program)
    call = _chosen(tree, random)
    if call is None:
        return program
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        _change(call, random)
    return ast.unparse(ast.fix_missing_locations(tree))


def grouped(programs: list[str]) -> list[list[str]]:
    """The programs about the same function together."""
    groups: dict[str, list[str]] = {}
    for program in programs:
        groups.setdefault(named(program), []).append(program)
    return list(groups.values())


def bad_program(groups: list[list[str]], number: int, seed: int) -> str:
    """A bad program that depends on its number and the seed alone."""
    random = Random(f"{seed} {number}")
    return bad(random.choice(random.choice(groups)), random)
