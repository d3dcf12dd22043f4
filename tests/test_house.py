"""The rules of the house that no linter knows: sizes, questions, who imports whom, and what can be taken away."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ONE_FILE = ("config", "service", "workshop", "account_lookup", "orchestrator")
CORE = (*ONE_FILE, "prewarm", "turns", "runtime", "observe", "utils")
OUTER = ("accounts", "sim", "web", "rooms", "bench")
NOT_OURS = {".venv", ".git", "node_modules", "__pycache__", "static"}
AGENT_LINES = 100
CORE_FILE_LINES = 400
RUN_LIMIT_S = 60


def files(*suffixes: str) -> list[Path]:
    """The project's text files, by path from the root."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith("_cache")]
        found += [Path(folder, name) for name in names if name.endswith(suffixes)]
    return sorted(file.relative_to(ROOT) for file in found)


def packages() -> set[str]:
    return {file.parent.name for file in files("__init__.py") if len(file.parts) == 2}


def imported(module: str) -> set[str]:
    """The project's own top-level names that a module of one file imports, wherever it does."""
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names & (packages() | {file.stem for file in files(".py") if len(file.parts) == 1})


def offending(pattern: re.Pattern[str], *suffixes: str) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()}"
        for file in files(*suffixes)
        for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_the_file_to_edit_stays_small() -> None:
    """agent.py has less than 100 lines."""
    assert len((ROOT / "agent.py").read_text(encoding="utf-8").splitlines()) < AGENT_LINES


def test_each_folder_says_its_question() -> None:
    """The docstring of each top-level package is its question or what it is; the package exports nothing.

    But for rooms: programs without an agent use it as a library, by names that are promised.
    """
    for name in sorted(packages() - {"tests"}):
        tree = ast.parse((ROOT / name / "__init__.py").read_text(encoding="utf-8"))
        said = ast.get_docstring(tree) or ""
        assert re.search(r"\w.*[?.]$", said), f"{name}/__init__.py says {said!r}"
        assert len(tree.body) == 1 or name == "rooms", f"{name}/__init__.py holds more than its docstring"


@pytest.mark.parametrize("name", CORE)
def test_no_file_of_the_core_grows_beyond_reading(name: str) -> None:
    """At most 400 lines."""
    ours = [file for file in files(".py") if file.parts[0] in (name, f"{name}.py")]
    assert ours
    lengths = {file.as_posix(): len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in ours}
    assert {file: lines for file, lines in lengths.items() if lines > CORE_FILE_LINES} == {}


def test_the_modules_of_one_file_import_inwards() -> None:
    """What import-linter cannot see, since these are no packages."""
    assert imported("config") <= {"utils"}
    for inner, module in zip(range(len(ONE_FILE)), ONE_FILE[1:], strict=False):
        assert imported(module) <= {*CORE} - {*ONE_FILE[inner + 1 :]}, module
    assert imported("agent") <= {*CORE, "cli"}


def test_the_contracts_know_each_folder() -> None:
    """A package that is not in root_packages could import what it likes."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert packages() <= set(config["importlinter"]["root_packages"])
    assert set(config["coverage"]["run"]["source_pkgs"]) == {*CORE}


def test_nothing_is_silenced_without_a_reason() -> None:
    """`type: ignore`, `pyright: ignore` and `noqa` name their rule and are followed by words."""
    bare = re.compile(r"# (?:(?:type|pyright): ignore|noqa)(?!(?:\[[\w, -]+\]|: [A-Z]+\d+(?:, [A-Z]+\d+)*) +\S)")
    this = f"tests/{Path(__file__).name}:"
    assert [line for line in offending(bare, ".py") if not line.startswith(this)] == []


def test_no_path_of_somebodys_machine() -> None:
    """The project runs from any folder of any user."""
    home = re.compile(r"(?<![\w.}])/(?:root|home/\w+|Users/\w+|work)/")
    assert offending(home, ".py", ".md", ".toml", ".yaml", ".ts", ".mjs", ".example", ".performance", "run") == []


def test_settings_are_read_in_one_place() -> None:
    """Only config.py reads the environment of a setting; NO_COLOR is a terminal's."""
    reads = offending(re.compile(r"os\.(?:environ|getenv)"), ".py")
    core = [
        line for line in reads if line.partition("/")[0] in CORE or line.startswith(("agent.py", "orchestrator.py"))
    ]
    assert [line for line in core if "NO_COLOR" not in line] == []


@pytest.fixture(scope="module")
def bare_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree without the outer folders and without tests."""
    copy = tmp_path_factory.mktemp("bare") / "project"
    everywhere = shutil.ignore_patterns(".*", "node_modules", "__pycache__")

    def skipped(folder: str, names: list[str]) -> set[str]:
        return everywhere(folder, names) | ({"tests", *OUTER} if Path(folder) == ROOT else set[str]())

    shutil.copytree(ROOT, copy, ignore=skipped)
    return copy


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The settings' names are taken out: what is set on this machine must not matter.
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=kept, capture_output=True, text=True, timeout=RUN_LIMIT_S
    )


def test_the_core_stands_without_the_outer_folders(bare_copy: Path) -> None:
    """Without accounts, sim, web, rooms and bench each module of the core and of the command line can be imported."""
    modules = [
        ".".join(file.with_suffix("").parts)
        for file in files(".py")
        if file.parts[0].removesuffix(".py") in (*CORE, "agent", "cli") and file.name != "__init__.py"
    ]
    skip = "child_process_guard"  # a program, not a module: it runs when imported
    code = "\n".join(f"import {module}" for module in modules if not module.endswith(skip))
    done = run(bare_copy, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_stand_without_the_outer_folders(bare_copy: Path) -> None:
    """`--help` lists what is left, and `start` says what it needs instead of failing at an import."""
    told = run(bare_copy, "agent.py", "--help")
    assert told.returncode == 0, told.stderr
    assert "start" in told.stdout
    assert "soak" not in told.stdout
    start = run(bare_copy, "agent.py", "start")
    assert start.returncode == 2
    assert "LIVEKIT_URL: not set" in start.stderr
    assert "Traceback" not in start.stderr
