"""`agent.py storm`: callers through standby rooms while workers are restarted. Does everybody who stays get greeted?"""
