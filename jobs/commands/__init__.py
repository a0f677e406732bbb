"""Verbs of the command line, and the work of those that no campaign needs."""
