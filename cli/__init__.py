"""What can be told to the project from a shell?"""
