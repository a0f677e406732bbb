"""The file of an archive: how it is written, read, restored to a run, and what it says of archives before it."""
