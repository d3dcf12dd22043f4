"""An agent on the telephone: SIP calls in and out, keys pressed, calls passed on."""
