"""The common part of the stages: each module is of two of them at least. Observations beside a run, and findings of searches for terms."""
