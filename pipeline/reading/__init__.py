"""Files that others write: tables of text, series in time, values that are missing."""
