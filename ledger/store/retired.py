"""The mark of a ledger that was moved to another store: never written again, or there would be two of one log."""

from __future__ import annotations

from typing import Final

from ledger.errors import ConfigError
from ledger.reasons import Reason

__all__ = ["RETIRED", "refuse_retired"]

# In place of the schema's version: programs that do not know the mark refuse the ledger as well, as too new for them.
RETIRED: Final = 0x7265_7469


def refuse_retired(version: int) -> None:
    """Raise ConfigError `store.retired` if that is what the version says."""
    if version == RETIRED:
        raise ConfigError(
            Reason.STORE_RETIRED,
            "this ledger goes on in another store",
            hint="Open the one that the home's settings name; this one only serves as a record.",
        )
