"""The common part of codecs: the search for the level that a target allows, and coding component by component."""
