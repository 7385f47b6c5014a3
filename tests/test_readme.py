"""The README's programs run, and its commands name files and options that exist."""

import re

import pytest


@pytest.fixture(scope="module")
def readme(repo):
    return (repo / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.cpu("the stand-in takes a minute for it")
def test_programs_run_one_after_the_other(readme):
    namespace = {}
    programs = blocks(readme, "python")
    assert len(programs) == 2
    for program in programs:
        exec(program, namespace)
    assert float(namespace["loss"]) < 3.4  # below log(28), where it began
    assert namespace["output"].shape == (35, 8, 128)


def test_commands_name_what_exists(readme, repo):
    commands = "\n".join(blocks(readme, "sh"))
    programs = re.findall(r"python (\S+\.py)", readme)
    assert programs and all((repo / program).exists() for program in programs)
    extras = set(re.findall(r"\[(\w+)\]", commands))
    project = (repo / "pyproject.toml").read_text(encoding="utf-8")
    assert extras and all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras)


def test_links_lead_somewhere(readme, repo):
    prose = re.sub(r"```.*?```", "", readme, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)\)", prose)
    assert targets
    for target in targets:
        assert target.startswith("http") or (repo / target).exists(), target
