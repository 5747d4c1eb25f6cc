"""A synthetic bureau export that looks real: people, employers and careers of a city in region 99 (no such region).

city        seed, size, months, and stateless chance     offices    the offices of Example City
people      who lives there, and their documents         employers  who employs them
careers     who worked where in which month              payments   rows of kinds paid by the month
residents   rows of kinds paid by the year               dirt       one error each for a few, on request
files       CSV, Parquet, manifest                       writing    the whole as one call
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from issuer.sample.offices import OFFICES

if TYPE_CHECKING:
    from issuer.sample.writing import SampleSummary, write_sample

__all__ = ["OFFICES", "SampleSummary", "write_sample"]


def __getattr__(name: str) -> object:
    """What writes brings the dataframe library; who only asks for the offices starts half a second earlier."""
    if name not in ("SampleSummary", "write_sample"):
        raise AttributeError(name)
    from issuer.sample import writing

    found: object = getattr(writing, name)
    return found
