"""What does a caller's page say to the service beside the voice? A WebSocket that loses nothing, and text requests.

Both ends number their messages and acknowledge them. What is not acknowledged is sent again, also over the next
connection of the same session: each message arrives once and in order, or its sender is told that it did not.
"""
