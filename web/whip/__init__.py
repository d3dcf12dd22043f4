"""WHIP for the page: a call by one HTTP request, without an SDK, kept away from what livekit-server cannot bear."""
