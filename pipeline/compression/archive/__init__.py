"""The file of an archive: its writer, its reader, the way back to a run, and the archives before it."""
