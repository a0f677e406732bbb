"""The blocks of a run: how fields are cut into them, how one is coded, in a process of its own, and how its errors are measured."""
