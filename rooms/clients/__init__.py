"""Clients of LiveKit's API: lent from a pool, connected again when LiveKit was away, and nothing asked twice."""
