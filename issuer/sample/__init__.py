"""A synthetic bureau export that looks real: people, employers and careers of a city in region 99 (no such region).

offices     the offices of Example City          people      who lives there
employers   who employs them                     careers     what was paid for whom, month by month
dirt        one error each for a few, on request writing     tables and manifest, the whole as one call
"""

from issuer.sample.offices import OFFICES
from issuer.sample.writing import SampleSummary, write_sample

__all__ = ["OFFICES", "SampleSummary", "write_sample"]
