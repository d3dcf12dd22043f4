"""How does a voice sound alive while its tools take seconds, and while one agent hands the call to another?"""
