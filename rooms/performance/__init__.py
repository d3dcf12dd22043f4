"""How LiveKit is used: connections, limits, sound, quality. One file for the four, changed while it runs."""
