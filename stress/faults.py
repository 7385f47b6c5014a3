"""Small faults in functions: their source is changed with ast, and compiled in its place."""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

Place = tuple[Any, str, int | None, Any]  # a node, in which field, which element of a list; what
OPPOSITE: dict[type[ast.AST], tuple[type[Any], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


CONVERSIONS = ("tuple", "list", "bool", "type", "isinstance", "len", "range", "enumerate", "zip")


@dataclass
class Fault:
    """In which function, what was changed into what, and the code that has it."""

    function: FunctionType
    name: str
    change: str
    code: CodeType


# ----- functions and their source -----


@functools.cache
def _statements(filename: str) -> list[ast.stmt]:
    with open(filename, encoding="utf-8") as file:
        return ast.parse(file.read()).body


def _compiled(statement: ast.stmt, filename: str) -> list[CodeType]:
    """The code of all functions in a statement of a file, in a fixed order."""
    # The compiler makes other code for names that the module imports
    imports = [s for s in _statements(filename) if isinstance(s, ast.Import | ast.ImportFrom)]
    stack = [compile(ast.Module([*imports, statement], []), filename, "exec", dont_inherit=True)]
    found = []
    while stack:
        parts = [part for part in stack.pop().co_consts if isinstance(part, CodeType)]
        found += parts
        stack += parts
    return found


def _span(node: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _spans(code: CodeType) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the instructions of a function come from (but the first, which stands for its head)."""
    found = []
    for line, end_line, column, end_column in code.co_positions():
        if line is not None and end_line is not None and column is not None and end_column:
            found.append(((line, column), (end_line, end_column)))
    return found


def _find(function: FunctionType) -> tuple[ast.stmt, Any, int]:
    """The statement of its module that holds a function, the syntax tree of the function, and
    which one of the statement's functions it is."""
    code = function.__code__
    spans, positions = _spans(code), list(code.co_positions())
    for statement in _statements(code.co_filename):
        heads = [statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))]
        if not min(heads) <= code.co_firstlineno <= (statement.end_lineno or 0):
            continue
        nodes = []
        for node in ast.walk(statement):
            inner = node.body if isinstance(node, ast.Lambda) else node
            if code.co_name == ("<lambda>" if isinstance(node, ast.Lambda) else node.name if
                                isinstance(node, ast.FunctionDef) else None):  # fmt: skip
                begin, end = _span(inner)
                if all(begin <= a and b <= end for a, b in spans):
                    nodes.append(node)
        parts = _compiled(statement, code.co_filename)
        numbers = [i for i, part in enumerate(parts) if list(part.co_positions()) == positions]
        if nodes and numbers:
            return statement, max(nodes, key=_span), numbers[0]
    raise LookupError(f"no source of {function.__module__}.{function.__qualname__}")


def _owner(statement: ast.stmt, node: ast.Lambda) -> str:
    """What a lambda is in: ``mul.gradients[1]``, the second one in that call."""
    for call in ast.walk(statement):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "gradients":
            lambdas = [n for n in ast.walk(call) if isinstance(n, ast.Lambda)]
            if node in lambdas:
                return f"{ast.unparse(call.func)}[{lambdas.index(node)}]"
    return "lambda"


# ----- faults -----


def _places(node: ast.AST) -> Iterator[Place]:
    """Every expression and statement inside, but for what is said to people and type checkers."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(value, ast.arguments):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue
        if isinstance(node, ast.UnaryOp) and ast.unparse(node) == "-1":  # dropping - is enough
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.Raise | ast.JoinedStr | ast.Assert):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST):
                yield node, field, index, child
                yield from _places(child)


def _of_operators(node: Any) -> Iterator[ast.AST]:
    """Another operator, other operands, or fewer."""
    if isinstance(node, ast.BinOp):
        for operator in OPPOSITE.get(type(node.op), ()):
            yield ast.BinOp(node.left, operator(), node.right)
        if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
            yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
        if isinstance(node.op, ast.Add | ast.Mult | ast.Sub):
            yield node.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in OPPOSITE.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(OPPOSITE[type(node.op)][0](), node.values)


def _of_values(node: Any, inputs: list[str]) -> Iterator[ast.AST]:
    """Another number, input, branch or end of a slice; an argument in place of a call."""
    if isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Call):
        if getattr(node.func, "id", getattr(node.func, "attr", "")) == "where":
            condition, a, b = node.args
            yield ast.Call(node.func, [condition, b, a], node.keywords)
        if node.args and isinstance(node.func, ast.Name) and node.func.id not in CONVERSIONS:
            yield node.args[0]
    elif isinstance(node, ast.Name) and node.id in inputs and isinstance(node.ctx, ast.Load):
        yield from (ast.Name(other, ast.Load()) for other in inputs if other != node.id)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number: Any = node.value
        yield ast.Constant(number + 1)
        if number not in (0, 1):
            yield ast.Constant(-number)
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                shifted = copy.copy(node)
                setattr(shifted, end, ast.BinOp(getattr(node, end), ast.Add(), ast.Constant(1)))
                yield shifted


def _of_statements(node: Any) -> Iterator[ast.AST]:
    """What is left out, done always, or returned with the other sign."""
    if isinstance(node, ast.AugAssign):
        for operator in OPPOSITE.get(type(node.op), ()):
            yield ast.AugAssign(node.target, operator(), node.value)
    if isinstance(node, ast.AugAssign | ast.Expr):
        yield ast.Pass()
    if isinstance(node, ast.If):
        yield ast.If(ast.Constant(True), node.body, [])
        yield ast.If(ast.Constant(True), node.orelse or [ast.Pass()], [])
    if isinstance(node, ast.Return) and node.value is not None and _has_sign(node.value):
        yield ast.Return(ast.UnaryOp(ast.USub(), node.value))


def _has_sign(node: Any) -> bool:
    """Whether an expression may stand for numbers, not all of them 0, that another sign changes."""
    if isinstance(node, ast.Tuple | ast.Name | ast.Constant | ast.BoolOp | ast.Compare | None):
        return False
    return not (isinstance(node, ast.Call) and "zeros" in ast.unparse(node.func)) and not (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _interchangeable(node: Any) -> list[str]:
    """Parameters of a gradient rule that hold arrays of which one may be taken for another."""
    names = [arg.arg for arg in node.args.args]
    return [n for n in names if not n.startswith("_") and not n.endswith("_shape") and n != "g"]


def faults(function: FunctionType, rule: bool) -> Iterator[Fault]:
    """Every fault of a function that is known here; in a gradient rule also each input taken for
    each other."""
    statement, node, number = _find(function)
    filename = function.__code__.co_filename
    name = f"{function.__module__.removeprefix('tinygrad_rnn.')}.{function.__qualname__}"
    places: list[Place]
    if isinstance(node, ast.Lambda):
        name = name.replace("<lambda>", _owner(statement, node))
        places = [(node, "body", None, node.body), *_places(node.body)]
    else:
        places = list(_places(node))
    inputs = _interchangeable(node) if rule else []
    seen: list[str] = []
    for parent, field, index, old in places:
        variants = [*_of_operators(old), *_of_values(old, inputs), *_of_statements(old)]
        if parent is node and isinstance(node, ast.Lambda) and _has_sign(old):
            variants.append(ast.UnaryOp(ast.USub(), old))
        for new in variants:
            change = f"{_text(old)} -> {_text(new)}"
            seen.append(change)
            count = seen.count(change)
            _put(parent, field, index, ast.fix_missing_locations(ast.copy_location(new, old)))
            try:
                code = _compiled(statement, filename)[number]
            except (SyntaxError, IndexError):  # it cannot be written so
                continue
            finally:
                _put(parent, field, index, old)
            yield Fault(function, name, f"{change} ({count})" if count > 1 else change, code)


def _put(parent: Any, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"
