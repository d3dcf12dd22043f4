"""What the caller sees: the page, and the few requests behind it."""
