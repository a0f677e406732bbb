"""The common part of the stages: measures of series, and the writing of results."""
