"""What happened, in milliseconds?"""
