"""SLURM: sites, requests, scripts, submission, the queue's answers, and daemons of one's own."""
