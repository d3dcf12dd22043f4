"""Are the limits exact? Many at once, after a kill, and for who is one too many."""
