"""Bring the local livekit-server into the cache, so that no test waits for its first build."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sim.livekit_binary import LiveKitServerMissing, default_cache_dir, find_livekit_server


def main() -> int:
    try:
        print(asyncio.run(find_livekit_server(default_cache_dir(), log=print)))
    except LiveKitServerMissing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
