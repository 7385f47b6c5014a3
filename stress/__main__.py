"""Long trials of what the library promises, each of which ends with figures and their limits.

    python -m stress                       # every subject, one after the other, then the table
    python -m stress SUBJECT [OPTIONS]     # one of them; --help behind it shows its options

The exit status is 1 if a limit was not kept, or if a subject did not arrive at its end.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .figures import HEAD, line

FOLDER = Path(__file__).parent


def subjects() -> dict[str, str]:
    """The first line of each subject's docstring, by its name. A subject is a module of this
    folder with a function ``main(argv: list[str]) -> int``, which returns an exit status."""
    found = {}
    for path in sorted(FOLDER.glob("[!_]*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body):
            found[path.stem] = (ast.get_docstring(module) or "").partition("\n")[0]
    return found


def run(subject: str) -> tuple[list[str], int]:
    """The lines of the table that a subject printed, in a process of its own, and its status."""
    print(f"----- {subject} -----", flush=True)
    command = [sys.executable, "-m", "stress", subject]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parent) as process:
        assert process.stdout is not None
        lines = []
        for text in process.stdout:
            print(text, end="", flush=True)
            if text.startswith(f"| {subject} |"):
                lines.append(text.rstrip())
    if not lines or (process.returncode and not any("| FAILED |" in text for text in lines)):
        status, kept = process.returncode, not process.returncode
        lines.append(line(subject, "exit status", str(status), "0", "ok" if kept else "FAILED"))
    return lines, process.returncode


def run_all(names: Sequence[str]) -> int:
    """Every subject, then the table."""
    lines, failed = [], False
    for name in names:
        own, status = run(name)
        lines += own
        failed = failed or status != 0
    print("", line(*HEAD), line(*("---" for _ in HEAD)), *lines, sep="\n")
    return int(failed)


def main(argv: list[str] | None = None) -> int:
    about = subjects()
    parser = argparse.ArgumentParser(
        "python -m stress",
        description=__doc__,
        epilog="subjects:\n" + "\n".join(f"  {name:<12} {text}" for name, text in about.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subject", nargs="?", metavar="SUBJECT", choices=about)
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="OPTIONS")
    args = parser.parse_args(argv)
    if args.subject is None:
        return run_all(list(about))
    module = importlib.import_module(f"{__package__}.{args.subject}")
    status: int = module.main(args.options)
    return status


if __name__ == "__main__":
    sys.exit(main())
