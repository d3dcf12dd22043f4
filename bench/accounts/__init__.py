"""Many businesses on one service: are callers greeted as fast as for one, and by nobody else's words?"""
