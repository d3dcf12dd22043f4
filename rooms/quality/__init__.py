"""How well it goes: with LiveKit's API, and on the network of each call; and what follows from it."""
