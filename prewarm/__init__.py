"""What is ready before the caller comes?"""
