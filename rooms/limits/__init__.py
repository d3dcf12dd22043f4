"""How much there may be: rooms, participants and tracks, counted here and judged by what LiveKit lists."""
