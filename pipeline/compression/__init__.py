"""Archives: fields coded block by block, to a bound, an error or a size, and read as a run is read (docs/compress.md)."""
