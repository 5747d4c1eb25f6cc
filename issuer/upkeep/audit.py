"""The register compared with the ledger: what a restore has to show before a home is used again."""

from __future__ import annotations

from dataclasses import dataclass

from issuer.home import Home
from ledger.entry import EntryType, encode_entry
from ledger.errors import IntegrityError
from ledger.merkle import leaf_hash
from ledger.reasons import Reason

__all__ = ["RegisterAudit", "audit_register"]


@dataclass(frozen=True, slots=True)
class RegisterAudit:
    """How many certificates the register holds, and how many of them the next mint has to log still."""

    certificates: int
    unlogged: int


def audit_register(home: Home) -> RegisterAudit:
    """Check that every certificate of the register stands in the ledger where the register says.

    Raises:
        IntegrityError: `store.rollback_detected` when the ledger is older than the register, `store.corrupt` when
            another entry stands there.
    """
    register, store = home.register(), home.log_entries()
    try:
        size, unlogged, certificates = store.size(), len(register.unlogged()), register.count()
        for at, batch in register.logged_batches():
            leaves = dict(enumerate(store.leaf_hashes(at, batch[-1][0] + 1), start=at))
            for index, digest in batch:
                if index >= size:
                    raise _older(index, size)
                entry = encode_entry(EntryType.CERTIFICATE, home.settings.authority, digest)
                if leaves[index] != leaf_hash(entry):
                    raise IntegrityError(Reason.STORE_CORRUPT, f"entry {index} is not what the register says")
    finally:
        store.close()
        register.close()
    return RegisterAudit(certificates, unlogged)


def _older(index: int, size: int) -> IntegrityError:
    hint = "bring the ledger that belongs to this register; both are in one backup"
    return IntegrityError(
        Reason.STORE_ROLLBACK_DETECTED, f"the register knows entry {index}, the ledger has {size}", hint=hint
    )
