"""Verbs of the command line, and the work of verbs that no campaign needs."""
