"""The mathematics of stage `discover`: arrays in, arrays out. Libraries of terms, sparse Bayesian regression, the closed loop."""
