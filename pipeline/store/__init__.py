"""Files of runs, stages and ensembles: their layout, written whole or not at all, checked, and read lazily."""
