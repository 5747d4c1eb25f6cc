"""Attacks on the certificate, A34 to A40: texts that deceive, versions, stolen keys, guesses."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from hashlib import sha256

import pytest

from certificate.certificate import parse_certificate
from certificate.cose import sign_object
from certificate.directory import VoidRange, parse_directory
from certificate.keys import key_id
from certificate.numbers import CertificateType, Typ
from ledger.cbor import encode_cbor
from ledger.entry import EntryType, encode_entry
from ledger.errors import FormatError
from ledger.proof import FullProof
from ledger.reasons import Reason
from tests.attacks.forging import (
    embellished,
    forged_paper,
    headers_of,
    lenient_tree,
    logged,
    paper,
    reason_of,
    with_proof,
)
from tests.attacks.marking import attack
from tests.verifier.judging import assert_refused, assert_undetermined
from tests.world import SLOTS_24, World, claims_of_60_months, signer
from verifier.expect import STATIC, Asked
from verifier.render import report_json, report_text
from verifier.report import Outcome, Report
from verifier.trust import TrustBundle, parse_bundle

NAME = 0  # slot


def with_name(name: str) -> Report:
    """What is said to a certificate, rightly signed, that shows this name."""
    world = World()
    tree = lenient_tree({**claims_of_60_months(), NAME: name})
    return world.verify(forged_paper(world, tree=tree, slots=(NAME, *SLOTS_24)), expect=STATIC)


FORBIDDEN = {
    "bidi override": "测\u202e试",
    "bidi isolate": "测\u2066试",
    "Arabic letter mark": "测\u061c试",
    "zero-width space": "测\u200b试",
    "zero-width joiner": "测\u200d试",
    "word joiner": "测\u2060试",
    "byte order mark": "\ufeff测试",
    "soft hyphen": "测\u00ad试",
    "NUL": "测\x00试",
    "escape": "\x1b[2K测试",
    "C1 control": "测\x9b31m试",
    "line break": "测\n试",
    "line separator": "测\u2028试",
    "tag letters": "测试\U000e0041",
    "private use": "测\ue000试",
    "private use of plane 15": "测\U000f0000",
    "noncharacter": "测\uffff",
    "grapheme joiner": "测\u034f试",
    "Hangul filler": "测\u3164试",
    "halfwidth Hangul filler": "\uffa0测试",
    "variation selector": "测\ufe0f试",
    "ideographic variation selector": "葛\U000e0100城",
    "Mongolian variation selector": "测\u180b试",
    "empty Braille pattern": "测\u2800试",
    "space at the end": "测试 ",
    "no-break space in front": "\u00a0测试",
}


@attack("A34", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
@pytest.mark.parametrize("what", list(FORBIDDEN))
def test_A34_characters_that_nobody_sees(what: str) -> None:
    """Bidi, zero-width, control, tag, private-use and empty-looking characters in a name, signed by the office."""
    assert_refused(with_name(FORBIDDEN[what]), 9, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)


@attack("A34", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
@pytest.mark.parametrize("place", ["authority", "office", "registration", "request"])
def test_A34_hidden_characters_in_names_of_issuers_and_askers(place: str) -> None:
    """The same in the names of an authority, an office, an organisation, and in a purpose."""
    world = World()
    hidden = "示例\u202e市"
    d = world.directory()
    if place in ("authority", "office"):
        changed = (
            replace(d, authorities=(replace(d.authorities[0], name_zh=hidden),))
            if place == "authority"
            else replace(d, offices=(replace(d.offices[0], name_en=hidden),))
        )
        files = world.bundle_files(directory=changed)
        reason = reason_of(lambda: parse_bundle(files, root_keys=[world.root.public_key]))
    else:
        registration = world.registration(**({"name_zh": hidden} if place == "registration" else {}))
        request = world.request(
            registration=registration, **({"method": hidden} if place == "request" else {})
        )
        reason = world.verify(world.presentation(), expect=Asked(request)).reason
    assert reason is Reason.SCHEMA_TEXT_FORBIDDEN_CHAR


@attack("A35", Reason.SCHEMA_TEXT_NOT_NFC)
@pytest.mark.parametrize("name", ["e\u0301", "\uf900", "Å".replace("Å", "A\u030a"), "\u1100\u1161"])
def test_A35_a_name_in_another_normal_form(name: str) -> None:
    """NFD and compatibility spellings of a name."""
    assert unicodedata.normalize("NFC", name) != name
    assert_refused(with_name(name), 9, Reason.SCHEMA_TEXT_NOT_NFC)


@attack("A35", Reason.SCHEMA_TEXT_TOO_LONG)
@pytest.mark.parametrize(
    "name",
    ["q" + "\u0323" * 40, "测" + "\u20dd" * 40, "Z" + "\u0489" * 5, "测" * 2000, "x" * 129],
    ids=["40 marks", "40 enclosing marks", "5 marks of no class", "2,000 letters", "129 letters"],
)
def test_A35_marks_and_lengths(name: str) -> None:
    """Forty combining or enclosing marks on one letter; 2,000 letters."""
    assert_refused(with_name(name), 9, Reason.SCHEMA_TEXT_TOO_LONG)


@attack("A36", Reason.SCHEMA_TEXT_CONFUSABLE)
@pytest.mark.parametrize("name", ["Ехаmplе Bank", "Ｔｅｓｔ", "Αpple", "测试１"])
def test_A36_a_name_that_looks_like_another(name: str) -> None:
    """A name of mixed scripts or full-width letters: accepted, with a note in every report."""
    report = with_name(name)
    assert report.outcome is Outcome.VALID
    assert Reason.SCHEMA_TEXT_CONFUSABLE in report.notes
    for language in ("zh", "en"):
        assert "schema.text_confusable" in report_text(report, language)
    plain = with_name("测试甲")
    assert Reason.SCHEMA_TEXT_CONFUSABLE not in plain.notes


@attack("A36")
def test_A36_an_issuer_with_a_trusted_ones_name() -> None:
    """A second authority of exactly the first one's name: the key decides who it is, and the number is shown."""
    world = World()
    d = world.directory()
    twin = signer("office of the twin")
    trust = world.bundle(
        directory=replace(
            d,
            authorities=(*d.authorities, replace(d.authorities[0], number=2)),
            offices=(*d.offices, replace(d.offices[0], authority=2)),
            keys=(*d.keys, replace(d.keys[0], authority=2, public_key=twin.public_key)),
        )
    )
    claims_to_be_first = world.certificate(world.body(paper=True), slots=SLOTS_24, key=twin)
    report = world.verify(claims_to_be_first, expect=STATIC, trust=trust)
    assert_undetermined(report, 3, Reason.KEY_UNKNOWN)
    own = world.certificate(world.body(paper=True, authority=2), slots=SLOTS_24, key=twin)
    shown = report_json(world.verify(own, expect=STATIC, trust=trust), "en")["certificate"]
    assert shown["authority"]["number"] == 2


HOSTILE_TEXTS = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "{{7*7}}${7*7}%(x)s{0.__class__}",
    "'; DROP TABLE certificates;--",
    "%n%n%s",
    "../../etc/passwd",
    "javascript:alert(1)",
]


@attack("A37")
@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_A37_texts_that_are_code_elsewhere(name: str) -> None:
    """Script, formula, template braces, SQL and format strings in a name: accepted, and shown as they stand."""
    report = with_name(name)
    assert report.outcome is Outcome.VALID
    for language in ("zh", "en"):
        text = report_text(report, language)
        assert name in text
        assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in text.replace("\n", ""))
        shown = json.loads(json.dumps(report_json(report, language)))["disclosed"][0]
        assert (shown["value"], shown["text"]) == (name, name)


@attack("A37", Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)
@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "\x1b[31m红", "a\rb", "\x9b0m"])
def test_A37_terminal_escapes(name: str) -> None:
    """Terminal escapes never become a name."""
    assert_refused(with_name(name), 9, Reason.SCHEMA_TEXT_FORBIDDEN_CHAR)


@attack("A38", Reason.ENC_VERSION_UNSUPPORTED)
@pytest.mark.parametrize("version", [0, 2, 3, 255, 2**31])
def test_A38_another_version(version: int) -> None:
    """A newer and a retired version, also with more or fewer fields than ours has."""
    world = World()
    payload = world.body(paper=True).encode()
    for content in ([version, *payload[1:]], [version, *payload[1:], "new"], [version]):
        report = world.verify(forged_paper(world, payload=content), expect=STATIC)
        assert_refused(report, 2, Reason.ENC_VERSION_UNSUPPORTED)


@attack("A38", Reason.ENC_VERSION_UNSUPPORTED)
def test_A38_a_directory_of_another_version() -> None:
    """A directory of a newer version, rightly signed by the root."""
    world = World()
    payload = [2, *world.directory().encode()[1:]]
    data = sign_object(world.root, Typ.DIRECTORY, payload)
    with pytest.raises(FormatError) as refusal:
        parse_directory(data)
    assert refusal.value.reason is Reason.ENC_VERSION_UNSUPPORTED


# --- A39: stolen keys -----------------------------------------------------------------------------------------------


def index_of(data: bytes) -> int:
    proof = parse_certificate(data).proof
    assert isinstance(proof, FullProof)
    return proof.index


def stolen(world: World, *, void_from: int | None = None, voids: tuple[VoidRange, ...] = ()) -> TrustBundle:
    """The bundle after the office's key was found stolen."""
    d = world.directory()
    return world.bundle(
        directory=replace(d, keys=(replace(d.keys[0], void_from=void_from), *d.keys[1:]), voids=voids)
    )


@attack("A39", Reason.KEY_COMPROMISED_AFTER)
def test_A39_back_dated_and_logged_after_the_theft() -> None:
    """A stolen key signs a certificate dated a year back; what counts is where it was logged."""
    world = World()
    data = paper(world, issued=world.body().issued - 365)
    at = index_of(data)
    for void_from in (at, at - 1, 1):
        report = world.verify(data, expect=STATIC, trust=stolen(world, void_from=void_from))
        assert_refused(report, 6, Reason.KEY_COMPROMISED_AFTER)


@attack("A39", Reason.LOG_INCLUSION_MISSING)
def test_A39_signed_with_a_stolen_key_and_not_logged() -> None:
    """The same certificate, never logged."""
    world = World()
    data = world.certificate(world.body(paper=True), slots=SLOTS_24, logged=False)
    assert_refused(world.verify(data, expect=STATIC), 5, Reason.LOG_INCLUSION_MISSING)


@attack("A39", Reason.KEY_VOID_ENTRY)
def test_A39_disowned_by_range() -> None:
    """Forged before the theft was noticed: the authority disowns the positions, whoever signed there."""
    world = World()
    data = paper(world)
    at = index_of(data)
    for first, end in ((at, at + 1), (0, at + 1), (at, 2**40)):
        trust = stolen(world, voids=(VoidRange(1, 1, first, end),))
        assert_refused(world.verify(data, expect=STATIC, trust=trust), 6, Reason.KEY_VOID_ENTRY)


@attack("A39")
def test_A39_honest_ones_around_a_theft_stay_valid() -> None:
    """The honest certificate before the cut-off, beside a disowned range, and in another log's range."""
    world = World()
    data = paper(world)
    at = index_of(data)
    for trust in (
        stolen(world, void_from=at + 1),
        stolen(world, voids=(VoidRange(1, 1, 0, at), VoidRange(1, 1, at + 1, 2**40))),
    ):
        assert world.verify(data, expect=STATIC, trust=trust).outcome is Outcome.VALID
    d = world.directory()
    elsewhere = replace(
        d,
        authorities=(*d.authorities, replace(d.authorities[0], number=2)),
        logs=(*d.logs, replace(d.logs[0], number=2, origin="other.example.test/1")),
        voids=(VoidRange(1, 2, 0, 2**40), VoidRange(2, 1, 0, 2**40)),
    )
    trust = world.bundle(directory=elsewhere)
    assert world.verify(data, expect=STATIC, trust=trust).outcome is Outcome.VALID


@attack("A39", Reason.KEY_OUT_OF_RANGE)
def test_A39_logged_outside_the_keys_range() -> None:
    """Logged before the key's first or after its last position."""
    world = World()
    data = paper(world)
    at, d = index_of(data), world.directory()
    for first, end in ((at + 1, None), (0, at), (0, 1)):
        key = replace(d.keys[0], from_index=first, to_index=end)
        trust = world.bundle(directory=replace(d, keys=(key, *d.keys[1:])))
        assert_refused(world.verify(data, expect=STATIC, trust=trust), 6, Reason.KEY_OUT_OF_RANGE)


@attack("A39b", Reason.LOG_INCLUSION_INVALID, Reason.SIG_INVALID, Reason.KEY_UNKNOWN)
def test_A39b_an_entry_planted_by_the_log_operator() -> None:
    """A well-formed entry under the bureau's name: it proves nothing but itself, for no office signed it."""
    world = World()
    data = paper(world)
    planted = encode_entry(EntryType.CERTIFICATE, 1, bytes(range(32)))
    proof = logged(world, planted)
    report = world.verify(with_proof(data, lambda _: proof), expect=STATIC)
    assert_refused(report, 5, Reason.LOG_INCLUSION_INVALID)
    operator = signer("log")  # signs a certificate of its own making, and logs that
    forged = forged_paper(world, sign=operator.sign)
    assert_refused(world.verify(forged, expect=STATIC), 4, Reason.SIG_INVALID)
    named = forged_paper(
        world, headers=headers_of(world) | {4: key_id(operator.public_key)}, sign=operator.sign
    )
    assert_undetermined(world.verify(named, expect=STATIC), 3, Reason.KEY_UNKNOWN)


@attack("A40")
def test_A40_every_hash_beside_a_disclosure_differs_from_guesses() -> None:
    """An undisclosed name guessed from a list of 40,000: no hash beside the disclosures is met without its salt."""
    world = World()
    parsed = parse_certificate(paper(world))
    hidden = {parsed.multiproof[at : at + 32] for at in range(0, len(parsed.multiproof), 32)}
    salts = [bytes(16), *(item.salt for item in parsed.disclosures)]
    names = ["测试甲", *(chr(0x4E00 + n // 200) + chr(0x4E00 + n % 200) for n in range(10_000))]
    guesses = (
        sha256(b"\x00" + encode_cbor([salt, NAME, name])).digest() for salt in salts[:4] for name in names
    )
    assert hidden.isdisjoint(guesses)
    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 16 for salt in salts)


@attack("A17", Reason.SCHEMA_FIELD_UNKNOWN)
def test_A17_a_paper_of_another_type_number() -> None:
    """The type number alone changed to another registered one, rightly signed: the tree has another shape."""
    world = World()
    payload = world.body(paper=True).encode()
    payload[1] = int(CertificateType.EMPLOYER)
    d = world.directory()
    office = replace(d.offices[0], types=(CertificateType.CONTRIBUTION, CertificateType.EMPLOYER))
    trust = world.bundle(directory=replace(d, offices=(office,)))
    report = world.verify(forged_paper(world, payload=payload), expect=STATIC, trust=trust)
    assert_refused(report, 9, Reason.SCHEMA_FIELD_UNKNOWN)


@attack("A02", Reason.DISC_DIGEST_MISMATCH)
def test_A02_what_is_shown_comes_from_signed_bytes() -> None:
    """A shown value changed by its holder: refused, and not a word of it in the report."""
    world = World()
    data = embellished(world, lambda shown: [replace(shown[0], value=202609), *shown[1:]])
    report = world.verify(data)
    assert_refused(report, 9, Reason.DISC_DIGEST_MISMATCH)
    assert report.disclosed == ()
    assert "2026-09" not in report_text(report, "en")
