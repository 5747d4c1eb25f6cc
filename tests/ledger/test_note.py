"""Signed notes: one spelling, and a table of notes with one defect each (ATTACKS W01–W03, W16)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ed25519 import Ed25519Signer
from ledger.errors import FormatError, ProjectError, VerificationError
from ledger.note import (
    MAX_NOTE,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    SignatureType,
    VerifierKey,
    decode_base64,
    encode_base64,
    encode_note,
    encode_vkey,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note_signature,
)
from ledger.reasons import Reason
from tests.attacks.marking import attack

SIGNER = Ed25519Signer(bytes(range(32)))
NAME = "test.example/log"
KEY = VerifierKey(NAME, SignatureType.ED25519, SIGNER.public_key)
TEXT = "test.example/log\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
SIGNED = encode_note(Note(TEXT, (sign_note(TEXT, SIGNER, name=NAME),))).decode()
LINE = SIGNED[len(TEXT) + 1 :]
B64 = LINE.split(" ")[2][:-1]

MALFORMED = Reason.CKPT_MALFORMED
BASE64 = Reason.ENC_BASE64_NONCANONICAL


def reason_of(call: Callable[[], object], kind: type[ProjectError] = FormatError) -> Reason:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def line_of(name: str, encoded: str) -> str:
    return f"— {name} {encoded}\n"


def test_round_trip_and_signature() -> None:
    note = parse_note(SIGNED.encode())
    assert note.text == TEXT
    assert encode_note(note) == SIGNED.encode()
    verify_note_signature(note, key=KEY)


def test_text_with_blank_lines_is_split_at_the_last_one() -> None:
    text = "one\n\ntwo\n\n\nthree é 测\n"
    note = Note(text, (sign_note(text, SIGNER, name=NAME),))
    assert parse_note(encode_note(note)) == note


HOSTILE: list[tuple[str, str | bytes, Reason]] = [
    ("empty", "", MALFORMED),
    ("one newline", "\n", MALFORMED),
    ("only blank lines", "\n\n\n", MALFORMED),
    ("text alone", TEXT, MALFORMED),
    ("text and blank line, no signature", TEXT + "\n", MALFORMED),
    ("no blank line", TEXT + LINE, MALFORMED),
    ("no text", "\n\n" + LINE, MALFORMED),
    ("no text at all", "\n" + LINE, MALFORMED),
    ("last newline missing", SIGNED[:-1], MALFORMED),
    ("text after the signatures", SIGNED + "more\n", MALFORMED),
    ("blank line after the signatures", SIGNED + "\n", MALFORMED),
    ("second note behind", SIGNED + "\n" + TEXT, MALFORMED),
    ("blank line between signatures", SIGNED + "\nx", MALFORMED),
    ("CRLF", SIGNED.replace("\n", "\r\n"), MALFORMED),
    ("CR in the text", SIGNED.replace("5\n", "5\r\n"), MALFORMED),
    ("hyphen for dash", SIGNED.replace("—", "-"), MALFORMED),
    ("two hyphens for dash", SIGNED.replace("—", "--"), MALFORMED),
    ("en dash", SIGNED.replace("—", "–"), MALFORMED),
    ("horizontal bar", SIGNED.replace("—", "―"), MALFORMED),
    ("dash without space", SIGNED.replace("— ", "—"), MALFORMED),
    ("two spaces after the dash", SIGNED.replace("— ", "—  "), MALFORMED),
    ("no-break space after the dash", SIGNED.replace("— ", "—\u00a0"), MALFORMED),
    ("space before the dash", SIGNED.replace("—", " —"), MALFORMED),
    ("space at the end", SIGNED[:-1] + " \n", MALFORMED),
    ("two spaces after the name", SIGNED.replace(f"{NAME} ", f"{NAME}  "), MALFORMED),
    ("tab after the name", SIGNED.replace(f"{NAME} ", f"{NAME}\t"), MALFORMED),
    ("no signature behind the name", TEXT + "\n" + f"— {NAME}\n", MALFORMED),
    ("nothing but a space behind the name", TEXT + "\n" + f"— {NAME} \n", MALFORMED),
    ("no name", TEXT + "\n" + line_of("", B64), MALFORMED),
    ("plus in the name", TEXT + "\n" + line_of("a+b", B64), MALFORMED),
    ("ideographic space in the name", TEXT + "\n" + line_of("a\u3000b", B64), MALFORMED),
    ("no-break space in the name", TEXT + "\n" + line_of("a\u00a0b", B64), MALFORMED),
    ("line separator in the name", TEXT + "\n" + line_of("a\u2028b", B64), MALFORMED),
    ("next-line control in the name", TEXT + "\n" + line_of("a\u0085b", B64), MALFORMED),
    ("escape in the name", TEXT + "\n" + line_of("a\x1bb", B64), MALFORMED),
    (
        "surrogate's bytes in the name",
        (TEXT + "\n" + line_of("a?b", B64)).encode().replace(b"?", b"\xed\xa0\x80"),
        Reason.ENC_UTF8_INVALID,
    ),
    ("name of 256 characters", TEXT + "\n" + line_of("n" * 256, B64), MALFORMED),
    ("same line twice", SIGNED + LINE, MALFORMED),
    ("NUL in the text", SIGNED.replace("5\n", "5\x00\n"), MALFORMED),
    ("escape in the text", SIGNED.replace("5\n", "\x1b[2K5\n"), MALFORMED),
    ("DEL in the text", SIGNED.replace("5\n", "5\x7f\n"), MALFORMED),
    ("C1 control in the text", SIGNED.replace("5\n", "5\x85\n"), MALFORMED),
    ("paragraph separator in the text", SIGNED.replace("5\n", "5\u2029\n"), MALFORMED),
    ("tab in the text", SIGNED.replace("5\n", "5\t\n"), MALFORMED),
    ("signature of four bytes", TEXT + "\n" + line_of(NAME, encode_base64(b"abcd")), MALFORMED),
    ("signature of three bytes", TEXT + "\n" + line_of(NAME, encode_base64(b"abc")), MALFORMED),
    ("padding missing", SIGNED.replace("=\n\n", "=\n\n").replace(B64, B64.rstrip("=")), BASE64),
    ("padding too much", SIGNED.replace(B64, B64 + "="), BASE64),
    ("padding inside", SIGNED.replace(B64, B64[:4] + "====" + B64[4:]), BASE64),
    ("URL alphabet", TEXT + "\n" + line_of(NAME, base64.urlsafe_b64encode(b"\xfb\xff" * 6).decode()), BASE64),
    ("unused bits set", TEXT + "\n" + line_of(NAME, "AAAAAAB="), BASE64),
    ("full-width letters", TEXT + "\n" + line_of(NAME, "ＡAAAAAA="), BASE64),
    ("letter cut off", SIGNED.replace(B64, B64[1:]), BASE64),
    ("overlong UTF-8", SIGNED.encode().replace(b"5\n", b"\xc0\x80\n"), Reason.ENC_UTF8_INVALID),
    ("surrogate in UTF-8", SIGNED.encode().replace(b"5\n", b"\xed\xa0\x80\n"), Reason.ENC_UTF8_INVALID),
    ("UTF-16", SIGNED.encode("utf-16"), Reason.ENC_UTF8_INVALID),
    ("Latin-1 dash", SIGNED.encode().replace("—".encode(), b"\x97"), Reason.ENC_UTF8_INVALID),
    ("2,000 signature lines", SIGNED + LINE * 1999, Reason.ENC_TOO_LARGE),
    ("2,000 newlines for signatures", TEXT + "\n" + LINE + "x\n" * 2000, Reason.ENC_TOO_LARGE),
    ("more than 1 MB", "x" * (MAX_NOTE + 1), Reason.ENC_TOO_LARGE),
]


def test_the_table_is_whole() -> None:
    assert (
        len(HOSTILE) == len({name for name, _, _ in HOSTILE}) == len({data for _, data, _ in HOSTILE}) >= 40
    )


@attack(
    "W01",
    Reason.CKPT_MALFORMED,
    Reason.ENC_BASE64_NONCANONICAL,
    Reason.ENC_UTF8_INVALID,
    Reason.ENC_TOO_LARGE,
)
@pytest.mark.parametrize(("name", "data", "reason"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_hostile_notes(name: str, data: str | bytes, reason: Reason) -> None:  # W01, W03, W16
    raw = data.encode() if isinstance(data, str) else data
    assert raw != SIGNED.encode(), name
    assert reason_of(lambda: parse_note(raw)) == reason


def test_the_limits_are_the_last_sizes_that_pass() -> None:
    line = sign_note(TEXT, SIGNER, name="n" * 255)
    assert parse_note(encode_note(Note(TEXT, (line,)))).signatures == (line,)
    room = MAX_NOTE - len(encode_note(Note("x\n", (line,)))) + 1
    whole = encode_note(Note("x" * room + "\n", (line,)))
    assert len(whole) == MAX_NOTE
    assert parse_note(whole).signatures == (line,)
    assert reason_of(lambda: encode_note(Note("x" * (room + 1) + "\n", (line,)))) == Reason.ENC_TOO_LARGE
    assert reason_of(lambda: parse_vkey("x" * 4096)) == MALFORMED
    assert reason_of(lambda: parse_vkey("x" * 4097)) == Reason.ENC_TOO_LARGE


def test_a_key_of_an_unknown_type_cannot_be_made() -> None:
    assert reason_of(lambda: VerifierKey(NAME, 0x02, SIGNER.public_key)) == Reason.ALG_NOT_ALLOWED  # type: ignore[arg-type]  # the point
    assert reason_of(lambda: VerifierKey("a b", SignatureType.ED25519, SIGNER.public_key)) == MALFORMED


def test_a_byte_order_mark_is_part_of_the_text() -> None:
    note = parse_note(b"\xef\xbb\xbf" + SIGNED.encode())
    assert (
        reason_of(lambda: verify_note_signature(note, key=KEY), VerificationError) == Reason.CKPT_SIG_INVALID
    )


def test_many_signatures_are_read() -> None:
    lines = tuple(NoteSignature(f"n{number}", b"abcd", b"x") for number in range(MAX_SIGNATURES))
    note = Note(TEXT, lines)
    assert parse_note(encode_note(note)) == note
    over = Note(TEXT, (*lines, NoteSignature("m", b"abcd", b"x")))
    assert reason_of(lambda: encode_note(over)) == Reason.ENC_TOO_LARGE


def test_what_cannot_be_parsed_cannot_be_encoded() -> None:
    signature = sign_note(TEXT, SIGNER, name=NAME)
    assert reason_of(lambda: encode_note(Note(TEXT, ()))) == MALFORMED
    assert reason_of(lambda: encode_note(Note(TEXT, (signature, signature)))) == MALFORMED
    assert reason_of(lambda: encode_note(Note("no newline", (signature,)))) == MALFORMED
    assert reason_of(lambda: encode_note(Note("\udc80\n", (signature,)))) == MALFORMED
    assert reason_of(lambda: encode_note(Note("x" * MAX_NOTE + "\n", (signature,)))) == Reason.ENC_TOO_LARGE
    assert reason_of(lambda: NoteSignature("a b", b"abcd", b"x")) == MALFORMED
    assert reason_of(lambda: NoteSignature("a", b"abc", b"x")) == MALFORMED
    assert reason_of(lambda: sign_note("\n", SIGNER, name=NAME)) == MALFORMED
    assert reason_of(lambda: sign_note(TEXT, SIGNER, name="a b")) == MALFORMED


def test_which_signatures_count() -> None:
    other = Ed25519Signer(bytes(32))
    ours = sign_note(TEXT, SIGNER, name=NAME)

    def check(*signatures: NoteSignature, key: VerifierKey = KEY) -> None:
        verify_note_signature(Note(TEXT, signatures), key=key)

    check(ours, sign_note(TEXT, other, name="other"))
    forged = NoteSignature(NAME, KEY.key_id, other.sign(TEXT.encode()))
    for signatures, reason in (
        ((sign_note(TEXT, other, name=NAME),), Reason.CKPT_SIG_MISSING),
        ((NoteSignature("other", KEY.key_id, ours.blob),), Reason.CKPT_SIG_MISSING),
        ((forged,), Reason.CKPT_SIG_INVALID),
        ((ours, forged), Reason.CKPT_SIG_INVALID),
        ((NoteSignature(NAME, KEY.key_id, ours.blob + b"\0"),), Reason.CKPT_SIG_INVALID),
        ((sign_note(TEXT + "x\n", SIGNER, name=NAME),), Reason.CKPT_SIG_INVALID),
    ):
        assert reason_of(lambda s=signatures: check(*s), VerificationError) == reason  # type: ignore[misc]
    witness = VerifierKey(NAME, SignatureType.COSIGNATURE, SIGNER.public_key)
    assert reason_of(lambda: check(ours, key=witness), VerificationError) == Reason.KEY_PURPOSE_MISMATCH


def test_vkey_round_trip() -> None:
    for algorithm in SignatureType:
        post_quantum = algorithm == SignatureType.ML_DSA_44
        key = VerifierKey(NAME, algorithm, bytes(1312) if post_quantum else SIGNER.public_key)
        assert parse_vkey(encode_vkey(key)) == key
        assert parse_vkey(encode_vkey(key)).key_id == key.key_id
    # The example of the specification's reference implementation (golang.org/x/mod/sumdb/note).
    assert (
        parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").name
        == "PeterNeumann"
    )


VKEY = encode_vkey(KEY)
KEY_ID = KEY.key_id.hex()
WEAK = encode_base64(b"\x01" + b"\x01" + bytes(31))
ECDSA = encode_base64(b"\x02" + SIGNER.public_key)
ML_DSA = encode_base64(b"\x06" + bytes(1312))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", MALFORMED),
        (NAME, MALFORMED),
        ("+".join(VKEY.split("+", 2)[:2]), MALFORMED),
        ("+".join((NAME, "", VKEY.split("+", 2)[2])), MALFORMED),
        (VKEY.replace(KEY.key_id.hex(), KEY.key_id.hex().upper()), MALFORMED),
        (VKEY.replace(KEY.key_id.hex(), KEY.key_id.hex() + "0"), MALFORMED),
        (VKEY.replace(NAME, "a b"), MALFORMED),
        (VKEY.replace(NAME, ""), MALFORMED),
        (VKEY + "\n", BASE64),
        (VKEY[:-1], BASE64),
        (VKEY + "AAAA", Reason.KEY_MALFORMED),
        (VKEY.replace(NAME, "other"), Reason.KEY_MALFORMED),
        (f"{NAME}+{KEY.key_id.hex()}+", Reason.ALG_NOT_ALLOWED),
        (f"{NAME}+{KEY_ID}+{ECDSA}", Reason.ALG_NOT_ALLOWED),
        (f"{NAME}+{KEY_ID}+{ML_DSA}", Reason.KEY_MALFORMED),
        (f"{NAME}+00000000+{WEAK}", Reason.KEY_WEAK),
        ("x" * 5000, Reason.ENC_TOO_LARGE),
    ],
)
def test_hostile_vkeys(text: str, reason: Reason) -> None:
    assert reason_of(lambda: parse_vkey(text)) == reason


@pytest.mark.parametrize(
    "text", ["AB==", "AAB=", "A", "AA", "AA=", "AA===", "A=AA", "AA==AA==", " AA==", "AA==\n", "=", "-_-_"]
)
def test_base64_has_one_spelling(text: str) -> None:
    assert reason_of(lambda: decode_base64(text)) == BASE64


@given(st.binary(max_size=80))
def test_base64_round_trip(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(0, 255))
@settings(max_examples=300)
def test_one_changed_byte_never_verifies(at: int, byte: int) -> None:
    data = bytearray(SIGNED.encode())
    changed = data[at] != byte
    data[at] = byte
    try:
        verify_note_signature(parse_note(bytes(data)), key=KEY)
    except ProjectError:
        assert changed
    else:
        assert not changed


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_raises_format_error_only(data: bytes) -> None:
    for raw in (data, TEXT.encode() + b"\n" + data, data + b"\n\n" + LINE.encode()):
        try:
            note = parse_note(raw)
        except FormatError:
            continue
        assert encode_note(note) == raw
