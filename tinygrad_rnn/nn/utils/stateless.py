"""Calls of a module with other tensors in the places of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..module import Module

Tensors = dict[str, Any]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What the module returns for args (a tuple, or one argument) with other tensors, of any
    shapes, in the places of its parameters and buffers, which are named as in `state_dict`. What
    the call assigns to these places is in the dict afterwards; the module is as before.

    Args:
        parameter_and_buffer_dicts: names to tensors, or several such dicts.
        tie_weights: whether a tensor for a parameter is also for its other names.
        strict: whether a name that is missing, or no name of the module, is an error.

    Raises ValueError for a name in two dicts, or for different tensors of tied names.

    >>> line = nn.Linear(1, 1)
    >>> weights = {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0])}
    >>> torch.func.functional_call(line, weights, torch.tensor([3.0]))
    tensor([7.])
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, dict):
        named = given
    elif isinstance(given, Sequence) and all(isinstance(part, dict) for part in given):
        names = [name for part in given for name in part]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"{sorted(repeated)} appeared in multiple dictionaries; behavior of "
                             "functional call is ambiguous")  # fmt: skip
        named = {name: value for part in given for name, value in part.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given).__name__}"
        )
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _in_place_of(module, named, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _members(module: Module) -> Iterator[tuple[str, Tensors, str]]:
    """Each name of a parameter or buffer, the dict that it is in, and its key there."""
    for path, part in module.named_modules(remove_duplicate=False):
        for store in (part._parameters, part._buffers):
            for key in store:
                yield f"{path}.{key}" if path else key, store, key


@contextmanager
def _in_place_of(module: Module, named: Tensors, tie_weights: bool, strict: bool) -> Iterator[None]:
    places = {name: (store, key) for name, store, key in _members(module)}
    unknown = [name for name in named if name not in places]
    missing = [name for name, (store, key) in places.items()
               if name not in named and store[key] is not None]  # fmt: skip
    if strict and (unknown or missing):
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:"
            + (f"\n\tUnexpected key(s): {', '.join(unknown)}." if unknown else "")
            + (f"\n\tMissing key(s): {', '.join(missing)}." if missing else "")
        )
    if unknown:
        raise AttributeError(
            f"{type(module).__name__} has no parameter or buffer `{unknown[0]}`; it has "
            f"{', '.join(places)}"
        )
    values = _tied(places, named) if tie_weights else named
    before = {name: places[name][0][places[name][1]] for name in values}
    for name, value in values.items():
        store, key = places[name]
        store[key] = value
    try:
        yield
    finally:
        for name, old in before.items():
            store, key = places[name]
            if name in named:
                named[name] = store[key]
            store[key] = old


def _tied(places: dict[str, tuple[Tensors, str]], named: Tensors) -> Tensors:
    """The tensors, for all names of the same parameter."""
    names: dict[int, list[str]] = {}
    for name, (store, key) in places.items():
        if store[key] is not None:
            names.setdefault(id(store[key]), []).append(name)
    values = dict(named)
    for together in names.values():
        own = [name for name in together if name in named]
        if len({id(named[name]) for name in own}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(own)}, which are tied. "
                "Consider using tie_weights=False"
            )
        values.update(dict.fromkeys(together, named[own[0]]) if own else {})
    return values
