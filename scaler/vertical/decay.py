"""How old samples fade: half their weight in each half-life, counted from a reference instead of from now.

A sample at t weighs 2^((t - reference) / half-life) times its own weight, so that what was counted need not be
touched as time goes on. References are whole half-lives since the year 1, so that scaling from one to another is
exact. Times are seconds since 1970 UTC.
"""

from typing import Final

import numpy as np

from scaler.vertical.buckets import Floats

YEAR_ONE: Final = -62135596800.0
"""0001-01-01T00:00:00Z: the reference of what has seen no sample."""
LONGEST: Final = 100
"""Half-lives after its reference from which on a sample moves it: weights grow no larger than 2^100."""

_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_SERIES: Final = (
    1.66666666666666657415e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)


def power_of_two(exponents: Floats) -> Floats:
    """2 to these powers, rounded as upstream's language rounds.

    numpy's own differs in the last bit of one value in ten. That shows: of ten equal peaks of memory the 90th
    percentile lies in the ninth or the tenth, depending on how nine times a weight was rounded. The method is that
    of FreeBSD's e_exp.c (2^x = 2^k e^r), with its constants.
    """
    whole = np.trunc(exponents + np.copysign(0.5, exponents))
    rest = exponents - whole
    high, low = rest * _LN2_HIGH, -rest * _LN2_LOW
    reduced = high - low
    square = reduced * reduced
    one, two, three, four, five = _SERIES
    even = reduced - square * (one + square * (two + square * (three + square * (four + square * five))))
    result: Floats = 1 - ((low - (reduced * even) / (2 - even)) - high)
    return np.ldexp(result, whole.astype(np.int64))


def factors(times: Floats, references: Floats, half_life: float) -> Floats:
    """What samples of these times weigh, in weights of their reference."""
    return power_of_two((times - references) / half_life)


def reference_for(times: Floats, half_life: float) -> Floats:
    """The whole half-life nearest to each time, the later one of two that are equally near."""
    return np.floor((times - YEAR_ONE) / half_life + 0.5) * half_life + YEAR_ONE
