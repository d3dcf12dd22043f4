"""What does a caller say? Recorded speech with its words and their times."""
