"""Numbers of points that an integrator's transforms take."""

FACTORS = (2, 3, 5)  # of a number of points that every transform takes


def smooth(count: int) -> bool:
    """Whether ``count`` has no prime factor above 5."""
    for factor in FACTORS:
        while count % factor == 0:
            count //= factor
    return count == 1


def next_smooth(count: int, multiple: int) -> int:
    """The least number from ``count`` on that is a ``multiple`` without a prime factor above 5."""
    count += -count % multiple
    while not smooth(count):
        count += multiple
    return count
