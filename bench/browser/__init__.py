"""`agent.py bench browser`: the page in Chromium. Click to sound, turns, the echo's way round, leaks, many calls."""
