"""Data assimilation: ensemble Kalman filters and smoothers on arrays (members, dofs), for any solver."""
