"""The callers' own view of their calls: reports that pages send at a call's end."""
