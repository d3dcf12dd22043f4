"""How does a voice agent browse for a caller who sees the page, without looking at it all the time?"""
