"""How do calls share a machine?"""
