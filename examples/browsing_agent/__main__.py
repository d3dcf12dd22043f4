"""`python -m examples.browsing_agent dev`."""

from cli.app import main
from examples.browsing_agent.agent import service

main(service)
