"""The rules of the house (CONTRIBUTING.md), read from the source: imports go down, files are
short, and importing the package does nothing but import it."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_rnn

pytestmark = pytest.mark.cpu("texts of the repository")

ROOT = Path(tinygrad_rnn.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}

# From the top down. A module may import those of its own floor and of the floors below it.
FLOORS = [
    ["distributions", "func", "functional", "jit", "testing", "text", "types", "utils"],
    ["nn", "optim", "serialization", "files"],
    ["random", "creation", "linalg", "lowrank", "masked", "signal", "special", "functions",
     "legacy", "cuda", "amp", "accelerator", "settings", "version", "__config__", "compiler",
     "cpu", "distributed", "mps", "multiprocessing", "onnx", "profiler", "xpu"],
    ["tensor", "values", "methods", "inplace_methods"],
    ["ops"],
    ["autograd"],
    ["backends", "dtypes", "layout", "printing", "warning"],
]  # fmt: skip
HEIGHT = {name: -i for i, floor in enumerate(FLOORS) for name in floor}
LIMIT = 400  # lines of a file
NAMES_ONLY = {"tinygrad_rnn"}  # its __init__ has the public names, one a line
NUMPY_MAY = ("tinygrad_rnn.backends", "tinygrad_rnn.dtypes")


def room(module):
    """The part of the package that a module belongs to: "autograd" of tinygrad_rnn.autograd.api."""
    return module.split(".")[1] if "." in module else ""


@functools.cache
def tree(module):
    return ast.parse(MODULES[module].read_text())


def imports(module, nodes):
    """The modules that these import statements name, in full."""
    here = module.split(".") if module in PACKAGES else module.split(".")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield name if name in MODULES else base


def runtime_nodes(module):
    """The statements that run when the module is imported (so none under TYPE_CHECKING)."""
    stack = list(tree(module).body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            stack += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]


@functools.cache
def imported(module):
    """The package's own modules that a module imports at its top level."""
    names = imports(module, runtime_nodes(module))
    return frozenset(name for name in names if name in MODULES and name != module)


def needed(module):
    """Those that must be there before it: a package runs its __init__ before its modules, but a
    module inside it does not wait for the rest of that __init__."""
    return {name for name in imported(module) if not module.startswith(f"{name}.")}


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_go_down(module):
    here = room(module)
    if not here:
        return  # the package itself is the roof
    assert here in HEIGHT, f"{module}: which floor is {here} on? Put it into FLOORS"
    for other in imported(module):
        assert room(other), f"{module} imports the whole package"
        assert HEIGHT[room(other)] <= HEIGHT[here], f"{module} imports {other}, which is above it"


def test_no_import_cycle():
    done, path = set(), []

    def visit(module):
        if module in path:
            pytest.fail("import cycle: " + " -> ".join([*path[path.index(module) :], module]))
        if module not in done:
            path.append(module)
            for other in sorted(needed(module)):
                visit(other)
            done.add(path.pop())

    for module in MODULES:
        visit(module)


@pytest.mark.parametrize("module", MODULES)
def test_no_own_import_inside_a_function(module):
    for function in ast.walk(tree(module)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            own = [name for name in imports(module, inside) if name.startswith("tinygrad_rnn")]
            assert not own, f"{module}, line {function.lineno}: imports {own} inside a function"


@pytest.mark.parametrize("module", MODULES)
def test_array_libraries_are_behind_the_backends(module):
    if module.startswith(NUMPY_MAY):
        return
    nodes = [n for n in ast.walk(tree(module)) if isinstance(n, ast.Import | ast.ImportFrom)]
    tops = {name.split(".")[0] for name in imports(module, nodes)}
    assert not tops & {"numpy", "cupy", "torch"}, f"{module} names an array library"


@pytest.mark.parametrize("module", sorted(MODULES.keys() - NAMES_ONLY))
def test_files_are_short(module):
    count = len(MODULES[module].read_text().splitlines())
    assert count <= LIMIT, f"{module} has {count} lines: it asks to be two rooms"


def test_importing_has_no_side_effects():
    """Nothing optional is imported, nothing is printed, no warning is given."""
    script = (
        "import sys, tinygrad_rnn\n"
        "for name in ('cupy', 'matplotlib', 'torch', 'tqdm', 'pytest', 'scipy'):\n"
        "    assert name not in sys.modules, name\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT.parent, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_checks_can_fail():
    """On sources with the mistakes in them."""
    node = ast.parse("from ..nn import module\nfrom . import api\nimport numpy.linalg").body
    found = list(imports("tinygrad_rnn.autograd.graph", node))
    assert found == ["tinygrad_rnn.nn.module", "tinygrad_rnn.autograd.api", "numpy.linalg"]
    assert HEIGHT["nn"] > HEIGHT["tensor"] > HEIGHT["ops"] > HEIGHT["autograd"] > HEIGHT["backends"]
    assert imported("tinygrad_rnn.autograd.engine") >= {"tinygrad_rnn.autograd.graph"}
    assert "tinygrad_rnn.tensor" not in imported("tinygrad_rnn.autograd.api")  # only for types
