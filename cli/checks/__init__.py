"""Is this machine ready for a call, and if not, what helps?"""
