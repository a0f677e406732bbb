"""A campaign's way through its steps: what is refused, what was done before, runs, stages, submission and status."""
