"""What if there is no livekit/sip? A telephone and its bridge, simulated on a real livekit-server."""
