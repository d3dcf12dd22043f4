"""`python -m examples.telephony dev`, and what else `agent.py` can do; `simulate` besides."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["simulate"]:
        from examples.telephony.simulate import main as simulate

        sys.exit(simulate(sys.argv[2:]))
    from cli.app import main
    from examples.telephony.agent import service

    main(service)
