"""Motions, rectangles and loops that sources share."""
