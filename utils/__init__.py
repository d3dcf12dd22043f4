"""Small things with no knowledge of the project."""
