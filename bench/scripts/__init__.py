"""`agent.py bench scripts`: random callers. Is anything answered that was not finished, lost, or answered twice?"""
