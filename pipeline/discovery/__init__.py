"""The mathematics of stages `discover` and `friction`: arrays in, arrays out.

Libraries of terms, sparse Bayesian regression, the closed loop.
"""
