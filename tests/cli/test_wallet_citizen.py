"""A citizen at the command line, through the bureau's and the wallet's services as processes."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import City
from tests.cli.test_issuer_service import free_port
from tests.program import TALLY, ok, tally


@contextmanager
def service(url: str, *arguments: object) -> Iterator[None]:
    """`tally …` as a process that answers at `url`."""
    running = subprocess.Popen([str(TALLY), *map(str, arguments)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{url}/healthz").is_success:
                    break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def test_claim_answer_withdraw_log(city: City, tmp_path: Path) -> None:
    offer = ok("issuer", "offer", city.person, "--home", city.home, "--json").json["offers"][0]
    ok("holder", "new-key", "--out", tmp_path / "me.key")
    db, master = tmp_path / "wallet.db", tmp_path / "master.key"
    ok("wallet", "init", "--db", db, "--master-key", master)
    token = ok("wallet", "org-token", "--db", db, "--org", 1).out.strip()
    bureau, wallet = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    me = ("--key", tmp_path / "me.key", "--wallet", wallet, "--trust", city.trust)
    at = ("--db", db, "--master-key", master, "--trust", city.trust, "--port", wallet.rpartition(":")[2])
    with (
        service(bureau, "issuer", "serve", "--home", city.home, "--port", bureau.rpartition(":")[2]),
        service(wallet, "wallet", "serve", *at),
    ):
        wrong = tally("wallet", "claim", offer["code"], "--pin", "x", "--bureau", bureau, *me, "--json")
        assert (wrong.code, wrong.json["error"]["reason"]) == (3, "auth.invalid")
        claim = ("wallet", "claim", offer["code"], "--pin", offer["pin"], "--bureau", bureau, *me, "--json")
        number = ok(*claim).json["certificate"]
        assert ok("wallet", "renew", "--bureau", bureau, *me, "--json").json == {"certificate": None}
        ok("request", "new", "--ask", "name", "--home", city.home, "--out", tmp_path / "R.b64")

        def as_organisation(path: str, body: object = None) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.post(f"{wallet}/requests{path}", json=body, headers=headers).json()

        left = as_organisation("", {"request": (tmp_path / "R.b64").read_text()})
        refusal = tally("wallet", "answer", left["link"], *me)
        assert refusal.code != 0  # nobody at the keyboard said yes
        shown = ok("wallet", "answer", left["link"], "--yes", "--certificate", number, *me, "--json").json
        assert shown["organisation"] == 1
        assert "presentation" in as_organisation(f"/{left['id']}/fetch")
        day = f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}"
        again = ("request", "new", "--follow-up", tmp_path / "R.b64", "--home", city.home, "--json")
        assert tally(*again, "--out", tmp_path / "F.b64").code == 2  # until when?
        asked = ok(*again, "--until", day, "--out", tmp_path / "F.b64").json["asks"]
        assert len(asked) == 1
        kept = as_organisation("", {"request": (tmp_path / "F.b64").read_text(), "follows": left["id"]})
        later = {"requests": [{"request": kept["id"], "ready": True}]}
        assert ok("wallet", "later", *me, "--json").json == later
        assert ok("wallet", "later", kept["id"], *me, "--json").json == later
        ok("wallet", "withdraw", left["id"], *me)
        assert as_organisation(f"/{left['id']}/fetch")["reason"] == "consent.revoked"
        rows = ok("wallet", "log", *me, "--json").json["rows"]
        assert [row["action"] for row in rows] == ["seen", "answered", "fetched", "seen", "withdrawn"]
