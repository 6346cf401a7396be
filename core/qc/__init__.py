"""Quality control: what a finished shot measures against its plate, and the report of it."""
