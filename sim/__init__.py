"""What if there are no keys and no server? Local providers that speak the real wire protocols."""
