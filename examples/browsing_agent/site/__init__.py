"""A small garden shop on this machine, for the agent to browse when it has no other page to begin with."""
