"""A stack of requests for a desk that holds no key: each with its own nonce, all asking the same."""

from __future__ import annotations

from pathlib import Path

from certificate.qr_text import decode_any_request
from certificate.request import NONCE_SIZE, parse_request
from tests.cli.conftest import City, ok, tally


def test_a_stack_is_laid_beside_the_desk(city: City, tmp_path: Path) -> None:
    stack, desk = tmp_path / "requests", tmp_path / "desk"
    made = ok(
        "request",
        "stack",
        "--template",
        "housing.24",
        "--count",
        "3",
        "--home",
        city.home,
        "--out",
        stack,
        "--json",
    )
    assert made.json == {"folder": str(stack), "requests": 3}
    bodies = [parse_request(decode_any_request(path.read_bytes())).body for path in sorted(stack.iterdir())]
    assert {len(body.nonce or b"") for body in bodies} == {NONCE_SIZE}
    assert len({body.nonce for body in bodies}) == 3
    assert len({(body.items, body.purpose, body.expires) for body in bodies}) == 1
    ok("desk", "export", "--trust", city.home / "trust", "--request", stack, "--out", desk)
    assert len(list((desk / "requests").glob("*.txt"))) == 3
    again = tally("request", "stack", "--count", "3", "--home", city.home, "--out", stack)
    assert again.code == 2
    assert "cli.exists" in again.err
