"""A lost holder key: the person's earlier keys end, the new one takes their place, and the office says so in writing.

The order that must hold: the register ends the keys and keeps the signed statements, then their entries are logged
and a new status list is out, then a statement leaves, with its proof. Asked again after a kill, the rest is done.
"""

from __future__ import annotations

from certificate.succession import (
    SuccessionBody,
    SuccessionReason,
    encode_succession,
    parse_succession,
    sign_succession,
)
from issuer.bureau_ledger import BureauLedger
from issuer.claiming.holder_keys import EndedKey
from issuer.claiming.identity import Identity
from issuer.home import Home
from issuer.office_key import office_signer
from issuer.publish import cut_bundle
from issuer.service import opened_register
from ledger.checkpoint import parse_checkpoint_note

__all__ = ["STATEMENT_FRESH", "end_earlier_keys", "statements_for"]

STATEMENT_FRESH = 3600  # seconds; a person who proves their identity again later gets the same, dated anew


def end_earlier_keys(
    home: Home, ledger: BureauLedger, identity: Identity, successor: bytes, *, now: int
) -> None:
    """End every key that a person held for themselves when the identity was proven, but `successor`.

    A device that was added since stays: a claim made again days later by the same offer ends nothing new.

    Args:
        successor: the raw key that takes their place; enrolled already.
        now: POSIX seconds.
    """
    office = office_signer(home, size=ledger.size)
    person_no = identity.person_no
    with opened_register(home) as register:
        ended = [
            key
            for key in register.own_keys(person_no)
            if key != successor and (register.first_minted(person_no, key) or 0) <= identity.time
        ]
        dated = [key.holder for key in register.ended_for(successor) if key.ended_at + STATEMENT_FRESH < now]
        made = [
            EndedKey(
                holder,
                person_no,
                successor,
                sign_succession(office, SuccessionBody(holder, successor, now, SuccessionReason.LOST)),
                now,
            )
            for holder in ended + dated
        ]
        if not made:
            return
        register.end_keys(made)
    ledger.append([_entry(home, key) for key in made])
    cut_bundle(home, ledger, now=now)


def statements_for(home: Home, ledger: BureauLedger, successor: bytes, *, now: int) -> list[bytes]:
    """The office's statements about the keys whose place `successor` took, each with its proof."""
    with opened_register(home) as register:
        ended = register.ended_for(successor)
    if not ended:
        return []
    indices = ledger.append([_entry(home, key) for key in ended])  # what is logged already keeps its index
    if any(not _is_proved(ledger, index) for index in indices):
        ledger.checkpoint(now)
    return [
        encode_succession(parse_succession(key.statement).sign1, ledger.prove(index))
        for key, index in zip(ended, indices, strict=True)
    ]


def _entry(home: Home, key: EndedKey) -> bytes:
    return parse_succession(key.statement).entry(home.settings.authority)


def _is_proved(ledger: BureauLedger, index: int) -> bool:
    note = ledger.newest_checkpoint()
    return note is not None and index < parse_checkpoint_note(note)[0].size
