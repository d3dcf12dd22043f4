"""Is the claim true? One command a claim, with the floor and the peer in the same run."""
