"""Key events: who may say them, what they may not exceed, and that nothing that ended begins again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certificate.directory import Directory, DirectoryKey, KeyRole, parse_directory, sign_directory
from certificate.key_event import (
    Delegation,
    Disowning,
    End,
    KeyEvent,
    Standing,
    State,
    Void,
    parse_key_event,
    sign_key_event,
)
from certificate.keys import CoseSigner
from certificate.numbers import CertificateType
from certificate.office_tree import apply_events
from certificate.offices import Office
from ledger.errors import ProjectError
from ledger.reasons import Reason
from tests.attacks.marking import attack
from tests.world import SECONDS, World, signer

TYPES = (CertificateType.CONTRIBUTION,)
CITY = Office(1, 1, "99010000", "市", "City", None, "9901", TYPES)
COUNTY = Office(1, 2, "99010200", "县", "County", 1, "990102", TYPES)
NEIGHBOUR = Office(1, 3, "99010300", "区", "District", 1, "990103", TYPES)
VILLAGE = Office(1, 4, "99010211", "村", "Village", 2, "990102001", TYPES)
PLACE = 512


def directory() -> Directory:
    """City, county and its neighbour with keys; the village has none yet."""
    world = World()
    keys = {CITY: world.office, COUNTY: signer("county"), NEIGHBOUR: signer("neighbour")}
    listed = tuple(
        DirectoryKey(KeyRole.CERTIFICATE, 1, office.number, key.public_key, 1) for office, key in keys.items()
    )
    others = (
        DirectoryKey(KeyRole.STATUS, 1, 1, world.status_key.public_key, 1),
        DirectoryKey(KeyRole.REGISTRAR, 1, 1, world.registrar.public_key, 1),
    )
    return world.directory(offices=(CITY, COUNTY, NEIGHBOUR), keys=(*listed, *others))


def applied(
    said: Delegation | End | Void | Disowning | Standing,
    by: CoseSigner,
    *,
    to: Directory | None = None,
    index: int = PLACE,
) -> Directory:
    event = KeyEvent(1, 1, SECONDS, ("first", "second"), said)
    return apply_events(to or directory(), [(parse_key_event(sign_key_event(by, event)), index)])


def reason(*arguments: object, **options: object) -> Reason:
    with pytest.raises(ProjectError) as refused:
        applied(*arguments, **options)  # type: ignore[arg-type]  # as `applied`
    return refused.value.reason


def delegated(office: Office = VILLAGE, *, start: int = PLACE, end: int | None = None) -> Delegation:
    return Delegation(office, signer("village").public_key, start, end)


def key_of(found: Directory, name: str) -> DirectoryKey:
    return next(key for key in found.keys if key.public_key == signer(name).public_key)


def test_a_county_delegates_to_its_village() -> None:
    found = applied(delegated(), signer("county"))
    assert found.version == directory().version + 1
    assert found.office(1, 4) == VILLAGE
    assert key_of(found, "village").from_index == PLACE + 1
    parse_directory(sign_directory(World().root, found))


def test_a_delegation_makes_nothing_good_that_stands_before_it() -> None:
    """A thief of the county's key could otherwise bless what was forged and logged long ago."""
    assert key_of(applied(delegated(start=0), signer("county")), "village").from_index == PLACE + 1


@attack("A16", Reason.TRUST_ISSUER_NOT_AUTHORISED)
@pytest.mark.parametrize("by", ["neighbour", "village", "status", "holder", "registrar"])
def test_only_an_office_above_may_say_it(by: str) -> None:
    """Not the neighbour, not the office itself, no other role; not the registrar while an office above can."""
    assert reason(delegated(), signer(by)) is Reason.TRUST_ISSUER_NOT_AUTHORISED


@attack("A16", Reason.TRUST_ISSUER_NOT_AUTHORISED)
@pytest.mark.parametrize(
    "office",
    [
        replace(VILLAGE, region_prefix="990103"),
        replace(VILLAGE, region_prefix="9901"),
        replace(VILLAGE, types=(*TYPES, CertificateType.EMPLOYER)),
        replace(VILLAGE, types=(CertificateType.TRANSFER,)),
    ],
    ids=["neighbour", "wider", "more-types", "other-type"],
)
def test_more_than_the_office_above_has(office: Office) -> None:
    assert reason(delegated(office), signer("county")) is Reason.TRUST_ISSUER_NOT_AUTHORISED
    beyond = replace(directory(), offices=(CITY, COUNTY, NEIGHBOUR, office))
    with pytest.raises(ProjectError) as refused:  # and verifiers refuse a directory that lists it
        parse_directory(sign_directory(World().root, beyond))
    assert refused.value.reason is Reason.TRUST_ISSUER_NOT_AUTHORISED


def test_a_circle_of_offices_and_one_under_nobody() -> None:
    for offices, expected in (
        (
            (replace(CITY, parent=2), replace(COUNTY, region_prefix="9901")),
            Reason.TRUST_ISSUER_NOT_AUTHORISED,
        ),
        ((CITY, replace(COUNTY, parent=9)), Reason.SCHEMA_FIELD_UNKNOWN),
    ):
        keys = directory().keys[:2]
        with pytest.raises(ProjectError) as refused:
            parse_directory(sign_directory(World().root, replace(directory(), offices=offices, keys=keys)))
        assert refused.value.reason is expected


def test_beyond_the_range_of_the_key_above() -> None:
    ended = applied(End(signer("county").public_key, 2 * PLACE), World().office)
    assert reason(delegated(), signer("county"), to=ended) is Reason.TRUST_ISSUER_NOT_AUTHORISED
    found = applied(delegated(end=2 * PLACE), signer("county"), to=ended)
    assert key_of(found, "village").to_index == 2 * PLACE
    late = reason(delegated(end=2 * PLACE + 9), signer("county"), to=ended, index=2 * PLACE)
    assert late is Reason.KEY_OUT_OF_RANGE


@pytest.mark.parametrize("kind", [End, Void])
def test_what_ended_stays_ended(kind: type[End | Void]) -> None:
    key = signer("county").public_key
    found = applied(kind(key, PLACE), World().office)
    assert applied(kind(key, PLACE), World().office, to=found) is found  # said again, it changes nothing
    assert reason(kind(key, PLACE + 1), World().office, to=found) is Reason.KEY_REVOKED
    applied(kind(key, PLACE - 1), World().office, to=found)
    later = reason(delegated(), signer("county"), to=found)
    assert later is (Reason.KEY_OUT_OF_RANGE if kind is End else Reason.KEY_COMPROMISED_AFTER)
    assert applied(delegated(), World().office, to=found).office(1, 4) == VILLAGE  # the city can still


def test_the_registrar_where_no_office_above_can() -> None:
    registrar = World().registrar
    found = applied(End(World().office.public_key, PLACE), registrar)
    assert applied(Void(World().office.public_key, 0), registrar, to=found).version == found.version + 1
    disowned = applied(Disowning(3, 5), registrar, to=found)
    assert [(void.from_index, void.to_index) for void in disowned.voids] == [(3, 5)]
    assert reason(Disowning(3, 5), World().office, to=found) is Reason.TRUST_ISSUER_NOT_AUTHORISED


def test_a_signature_of_somebody_else() -> None:
    event = KeyEvent(1, 1, SECONDS, ("first",), delegated())
    statement = parse_key_event(sign_key_event(signer("county"), event))
    forged = replace(statement, sign1=replace(statement.sign1, signature=bytes(64)))
    with pytest.raises(ProjectError) as refused:
        apply_events(directory(), [(forged, PLACE)])
    assert refused.value.reason is Reason.SIG_INVALID


def test_unknown_keys_and_offices_and_a_code_twice() -> None:
    city = World().office
    unknown = (End(signer("holder").public_key, 1), Standing(9, State.SUSPENDED))
    assert [reason(said, city) for said in unknown] == [Reason.SCHEMA_FIELD_UNKNOWN] * 2
    twice = replace(VILLAGE, code=NEIGHBOUR.code)
    assert reason(delegated(twice), signer("county")) is Reason.SCHEMA_FIELD_UNKNOWN
    moved = replace(NEIGHBOUR, region_prefix="990104")
    assert reason(delegated(moved), city) is Reason.SCHEMA_FIELD_UNKNOWN
    theirs = Delegation(VILLAGE, signer("neighbour").public_key, PLACE)
    assert reason(theirs, signer("county")) is Reason.KEY_KID_AMBIGUOUS
