"""Who is being called, and which variant do they get?"""
