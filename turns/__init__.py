"""When does the agent speak, and when does it stop?"""
