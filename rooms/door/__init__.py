"""Who gets a token: plugged authentication, the least grants, a bearable rate."""
