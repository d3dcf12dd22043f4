"""What did the caller say? Listeners that turn sound into words for the simulated recogniser."""
