"""`agent.py bench first-word`: the starter shape, this project and the floor in one run, and what each step gives."""
