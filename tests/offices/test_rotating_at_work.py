"""A key is changed while the bureau mints: nothing is signed with the old one and logged behind its end."""

from __future__ import annotations

import os
from contextlib import closing
from threading import Event, Thread

from certificate.certificate import parse_certificate
from certificate.directory import KeyRole, check_position
from issuer.home import Home
from issuer.offices.keys import rotate_key
from issuer.publish import load_directory
from issuer.register import PAPER
from issuer.service import mint_persons
from tests.issuer.conftest import Bureau, bureau, pristine_bureau
from tests.offices.driving import CITY
from tests.world import SECONDS

__all__ = ["bureau", "pristine_bureau"]  # the fixtures

MINTED, ROTATIONS = 16, 3


def test_rotations_between_mints(bureau: Bureau) -> None:
    begun, failed = Event(), []

    def mint() -> None:
        try:
            home = Home(bureau.home.path)
            with closing(home.ledger()) as ledger:
                for person in bureau.persons[:MINTED]:
                    mint_persons(home, ledger, [(person, PAPER)], now=SECONDS)
                    begun.set()
        except BaseException as exc:
            failed.append(exc)
            begun.set()

    minting = Thread(target=mint)
    minting.start()
    begun.wait(60)
    for _ in range(ROTATIONS):
        rotate_key(
            bureau.home, bureau.ledger, CITY, operators=("first", "second"), now=SECONDS, random=os.urandom
        )
    minting.join(120)
    assert failed == []
    directory, signed_by = load_directory(bureau.home), set()
    with closing(bureau.home.register()) as register:
        rows = [row for person in bureau.persons[:MINTED] for row in register.of_person(person)]
    assert len(rows) == MINTED
    for row in rows:
        key = directory.key(KeyRole.CERTIFICATE, parse_certificate(row.signed).sign1.kid)
        assert key is not None
        assert row.log_index is not None
        check_position(directory, key, log=1, index=row.log_index)
        signed_by.add(key.kid)
    assert len(signed_by) > 1
