"""What is installed with the package, and which versions of it."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import tinygrad_rnn

pytestmark = pytest.mark.cpu("texts of the repository")

REPO = Path(tinygrad_rnn.__file__).parent.parent
SETTINGS = tomllib.loads((REPO / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
FORM = re.compile(r"([a-z0-9-]+)(?:\[[a-z]+\])?>=([0-9.]+),<([0-9]+)")


def test_dependencies_have_a_lower_bound_and_an_upper_major():
    extras = PROJECT["optional-dependencies"].values()
    for requirement in chain(
        SETTINGS["build-system"]["requires"], PROJECT["dependencies"], *extras
    ):
        if "==" not in requirement and not requirement.startswith(PROJECT["name"]):
            assert FORM.fullmatch(requirement), f"{requirement} is not name>=version,<major"


def test_the_oldest_versions_are_those_that_are_tried():
    bounds = dict(FORM.match(requirement).groups()[:2] for requirement in PROJECT["dependencies"])
    lines = (REPO / ".ci" / "oldest.txt").read_text().splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert tried.keys() == bounds.keys()
    assert all(re.fullmatch(rf"{re.escape(low)}(\.0)*", tried[n]) for n, low in bounds.items())
