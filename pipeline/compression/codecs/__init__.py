"""Codecs, one file each: ``encode(values, target)``, ``decode(data)``, ``TARGETS`` and ``refuses(values)`` (docs/compress.md)."""

LOSSLESS = "bits"  # the codec of values that no other takes, or that are to be kept to the last bit
