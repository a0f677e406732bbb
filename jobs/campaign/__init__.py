"""A campaign's way through its steps: refusals, results from before, runs, stages, submission and status."""
