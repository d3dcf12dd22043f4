"""`account`: the records of those who are called, listed, written, read from files and checked."""
