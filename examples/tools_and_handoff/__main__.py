"""The example's command line: `uv run -m examples.tools_and_handoff dev`."""

from cli.app import main
from examples.tools_and_handoff.agent import service

main(service)
