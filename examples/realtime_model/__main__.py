"""`python -m examples.realtime_model dev` talks to it in the browser; without keys the model is simulated."""

from cli.app import main
from examples.realtime_model.agent import service

if __name__ == "__main__":
    main(service)
