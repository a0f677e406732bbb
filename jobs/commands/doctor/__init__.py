"""The doctor: each need of runs and stages is tried for real, on this machine, on a site and in a job there."""
