"""`agent.py bench turns`: how soon, and when not: response gap, cut-offs, false interruptions, barge-in."""
