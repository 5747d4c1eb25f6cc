"""Claims as people name them on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from certificate.slots import Registry

__all__ = ["slots_named"]


def slots_named(names: Iterable[str], registry: Registry, *, cut_off: int | None = None) -> list[int]:
    """The slots of claims given by name or slot number, one by one or separated by commas, ascending.

    Args:
        cut_off: YYYYMM of the certificate, so that a strip may be named by its year.
    Raises:
        FormatError: `schema.field_unknown`.
    """
    words = [word for name in names for word in name.split(",") if word]
    return sorted(
        {
            registry.claim_at(int(word)).slot if word.isdecimal() else registry.slot_of(word, cut_off=cut_off)
            for word in words
        }
    )
