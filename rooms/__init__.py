"""LiveKit's control plane: who may enter a room, and which agent is sent into it."""
