"""The blocks of a run: the cut of fields into blocks, the coding of a block, in a process of its own, and the measure of its errors."""
