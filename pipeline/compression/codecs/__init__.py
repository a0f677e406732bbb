"""Codecs, one file each: ``encode(values, target)``, ``decode(data)``, ``TARGETS`` and ``refuses(values)`` (docs/compress.md)."""
