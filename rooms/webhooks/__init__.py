"""What LiveKit tells by webhook: verified, each event once, a room's events in their order."""
