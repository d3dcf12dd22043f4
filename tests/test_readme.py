"""What the documents promise: commands that parse, paths that exist, a table that is current."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent import service
from cli.app import build_app

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md")
NOT_ONE_FILE = {
    "performance.yaml",
    "experiments.yaml",
    "bench.json",
    "before.json",
    ".venv/bin/activate",
    "__init__.py",
}
PATH = re.compile(r"\.?[A-Za-z][\w.-]*(?:/[\w.-]*)+|[\w-]*\.(?:py|md|toml|yaml|performance|example)")


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def snippets(document: str) -> list[str]:
    """Lines of shell blocks, and what stands between single backticks."""
    content = text(document)
    blocks = re.findall(r"```sh\n(.*?)```", content, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    prose = re.sub(r"```.*?```", "", content, flags=re.DOTALL)
    return [line for line in lines if line] + re.findall(r"`([^`\n]+)`", prose)


def commands(document: str) -> list[list[str]]:
    parts = [part.strip() for snippet in snippets(document) for part in re.split(r"&&|>>|>|;", snippet)]
    return [shlex.split(part) for part in parts if part.startswith(("uv ", "python ", ".ci/", "FIRSTWORD_CI_FAST=1 "))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_command_of_the_project_parses(document: str) -> None:
    """`agent.py <command> --<option>` as written is taken by the command line."""
    app = build_app(service)
    for words in commands(document):
        if "agent.py" in words:
            arguments = words[words.index("agent.py") + 1 :]
            result = CliRunner().invoke(app, [*arguments, "--help"])
            assert result.exit_code == 0, f"{document}: {shlex.join(words)}\n{result.output}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_tool_is_there(document: str) -> None:
    """What `uv run` calls is a file of the project or comes with the locked packages."""
    tools = [word for word in (_tool(words) for words in commands(document)) if word]
    missing = [tool for tool in tools if not (ROOT / tool).is_file() and not _installed(tool)]
    assert missing == []


def _tool(words: list[str]) -> str:
    if words[:3] == ["uv", "run", "-m"]:
        return f"{words[3].replace('.', '/')}/__main__.py"
    if words[:2] == ["uv", "run"]:
        return next(word for word in words[2:] if not word.startswith("--"))
    if words[0] == "python":
        return words[1]
    return words[-1] if words[-1].startswith(".ci/") else ""


def _installed(tool: str) -> bool:
    return shutil.which(tool, path=str(Path(sys.executable).parent)) is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_path_exists(document: str) -> None:
    """Links lead to files, and files that are named are there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text(document))
    named = [word for snippet in snippets(document) for word in snippet.split() if PATH.fullmatch(word)]
    missing = [path for path in [*links, *named] if path not in NOT_ONE_FILE and not (ROOT / path).exists()]
    assert missing == []


def test_the_two_commands_are_on_the_first_screen() -> None:
    """What a new reader copies stands within the first 25 lines, with the picture."""
    first = "\n".join(text("README.md").splitlines()[:25])
    for expected in ("pip install uv && uv run agent.py dev", "pip install uv && uv run pytest", "docs/page.png"):
        assert expected in first


def test_ci_calls_the_test_command_of_the_readme() -> None:
    """`.ci/run` tests by `uv run pytest`, with options for coverage."""
    script = text(".ci/run")
    assert re.search(r'^ *part "tests.*" uv run pytest --cov', script, re.MULTILINE)
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_the_table_of_settings_is_current() -> None:
    """It is what the class gives now; the message names the command that writes it."""
    done = subprocess.run(
        [sys.executable, ".ci/settings_table.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_figures_have_their_place() -> None:
    """Between two markers, in this order, stands something."""
    found = re.search(r"<!-- bench:begin -->\n(.+?)\n<!-- bench:end -->", text("README.md"), re.DOTALL)
    assert found is not None
    assert found[1].strip()


def test_the_layout_names_each_folder() -> None:
    """The README's layout has a row for each package of the top level, and none more."""
    rows = set(re.findall(r"^\| `(\w+)/` \|", text("README.md"), re.MULTILINE))
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert rows == packages - {"tests"}


def test_the_stages_are_those_of_the_orchestrator() -> None:
    """The diagram of a call is the one in orchestrator.py's docstring, line by line."""
    drawn = re.search(r"```text\n(dispatch -> room.*?)```", text("README.md"), re.DOTALL)
    assert drawn is not None
    source = [line.strip() for line in text("orchestrator.py").splitlines()]
    assert [line for line in drawn[1].splitlines() if line.strip() not in source] == []


def test_the_changelog_has_this_version() -> None:
    """The version of pyproject.toml is a heading."""
    version = re.search(r'^version = "(.+)"$', text("pyproject.toml"), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in text("CHANGELOG.md")
