"""Initial states of the tsunami solver: the free surface [m] and the velocity [m/s] at t = 0. A module a kind.

Each has a dataclass `Params`, called with the cells' centroids (x, y) [m], the still level [m] and gravity [m/s2], which returns the free
surface and the velocity eastward and northward. Where the later state is known, ``at`` gives it at any time, or ``spread``
at rising times.
"""
