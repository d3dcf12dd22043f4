"""`bench clients`: the pool of API clients beside the two usual ways, and through restarts of livekit-server."""
