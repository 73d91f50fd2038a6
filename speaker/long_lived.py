"""What was listed at the start stays: Python's collector, which else looks through all of it now and then, passes it over.

At 10,000 Services that look takes a tenth of a second, in which nothing could be withdrawn; and while they are listed, looks
after every few hundred objects find only what will stay.
"""

import gc

OFTEN = gc.get_threshold()
SELDOM = (50_000, 10, 10)
"""Objects made before the first look, and so on: what is garbage does not grow for long either."""


def expect_much() -> None:
    """To be called before everything is listed."""
    gc.set_threshold(*SELDOM)


def keep_for_good() -> None:
    """To be called once, when everything has been listed; takes as long as one such look."""
    gc.set_threshold(*OFTEN)
    gc.collect()
    gc.freeze()
