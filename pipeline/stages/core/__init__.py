"""What the stages share: measures of series, and how results are written."""
