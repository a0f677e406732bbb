"""Processes and folders on this machine: how runs are started, followed, shown, locked and recorded."""
