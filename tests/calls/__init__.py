"""Whole calls: a real server, real plugins, real audio."""
