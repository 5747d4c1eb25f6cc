"""`tally org hires`: the installed program against a wallet service that runs as a process."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import polars
import pytest

from certificate.qr_text import decode_any
from cli.keys import open_holder_key
from cli.wallet_client import WalletClient
from tests.cli.conftest import City
from tests.cli.test_issuer_service import free_port
from tests.cli.test_wallet_citizen import service
from tests.program import ok, tally
from tests.wallet.orgs.receiver import listening
from verifier.images import read_codes
from verifier.trust_dir import load_trust


@dataclass(frozen=True)
class Desk:
    """An organisation's folder beside a running wallet; somebody's certificate lies in their safe there."""

    folder: Path
    city: City
    url: str
    db: Path
    name: str
    tail: str

    @property
    def access(self) -> tuple[object, ...]:
        return ("--state", self.folder / "state.db", "--token-file", self.folder / "token")

    def send(self, csv_file: Path, *more: object) -> tuple[object, ...]:
        to = ("--wallet", self.url, "--links", self.folder / "links.csv", "--home", self.city.home)
        return ("org", "hires", "send", csv_file, *self.access, *to, "--json", *more)

    @contextmanager
    def phone(self) -> Iterator[WalletClient]:
        key = open_holder_key(self.folder / "me.key", None)
        trust = load_trust(self.city.trust)
        client = WalletClient(self.url, key, trust=trust, clock=lambda: int(time.time()))
        with closing(client):
            client.login()
            yield client

    def collect(self, *more: object) -> tuple[object, ...]:
        trust = ("--trust", self.city.trust, "--out", self.folder / "results.csv")
        return ("org", "hires", "collect", *self.access, *trust, "--json", *more)


@pytest.fixture(scope="module")
def desk(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tmp_path = tmp_path_factory.mktemp("desk")
    ok("holder", "new-key", "--out", tmp_path / "me.key")
    holder = ("--holder-key", tmp_path / "me.key.pub", "--home", city.home)
    number = ok("issuer", "mint", "--person", city.person, *holder, "--json").json["certificates"][0][
        "number"
    ]
    ok("issuer", "export", number, "--as", "file", "--out", tmp_path / "C", "--home", city.home)
    db, master = tmp_path / "wallet.db", tmp_path / "master.key"
    ok("wallet", "init", "--db", db, "--master-key", master)
    (tmp_path / "token").write_text(ok("wallet", "org-token", "--db", db, "--org", 1).out)
    (tmp_path / "token").chmod(0o600)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    people = polars.read_parquet(city.folder / "export" / "person.parquet")
    name, id_no = people.filter(polars.col("person_no") == city.person).select("name", "id_no").row(0)
    at = ("--db", db, "--master-key", master, "--trust", city.trust, "--port", port)
    with service(url, "wallet", "serve", *at, "--webhook-allow", "127.0.0.0/8"):
        desk = Desk(tmp_path, city, url, db, name, id_no[-4:])
        with desk.phone() as phone:
            phone.store(decode_any((tmp_path / "C").read_bytes()))
        yield desk


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def test_a_list_of_hires(desk: Desk) -> None:
    hires = desk.folder / "hires.csv"
    hires.write_bytes(
        f"姓名,身份证后四位,工号\n{desk.name},{desk.tail},=1\n测试乙,0025,\n测试丙,1,\n".encode("gb18030")
    )
    bad = tally(*desk.send(hires))
    assert (bad.code, bad.json["error"]["reason"]) == (3, "cli.batch_invalid")
    assert "row 4, id_tail" in bad.json["error"]["detail"]
    assert not (desk.folder / "state.db").exists()
    sent = ok(*desk.send(hires, "--skip-bad", "--qr-dir", desk.folder / "qr")).json
    assert (sent["people"], sent["sent"], sent["skipped"]) == (2, 2, [4])
    again = ok(*desk.send(hires, "--skip-bad", "--force")).json
    assert again["sent"] == 0
    links = table(desk.folder / "links.csv")
    assert [row["row"] for row in links] == ["2", "3"]
    assert links[0]["ref"] == "'=1"
    (text,) = read_codes((desk.folder / "qr" / "0002.png").read_bytes())
    assert text.startswith("TSQ1:")
    for private in ("state.db", "links.csv"):
        assert (desk.folder / private).stat().st_mode & 0o077 == 0

    reminded = ok("org", "hires", "remind", *desk.access, "--json").json
    assert reminded == {"reminded": 2, "before": 0}
    twice = tally("org", "hires", "remind", *desk.access, "--json")
    assert (twice.code, twice.json["error"]["reason"]) == (3, "org.reminded")

    with listening() as receiver, desk.phone() as phone:
        told = {"url": f"http://127.0.0.1:{receiver.port}/told"}
        headers = {"Authorization": f"Bearer {(desk.folder / 'token').read_text().strip()}"}
        hook = httpx.post(f"{desk.url}/organisation/webhook", json=told, headers=headers)
        assert hook.status_code == 201, hook.text
        for link in links:
            phone.answer(link["link"], minutes=60)  # the second was meant for somebody else
        deadline = time.monotonic() + 60
        while len(receiver.told) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert {json.loads(message.body)["state"] for message in receiver.told} == {"answered"}
    status = ok("org", "hires", "status", *desk.access, "--json").json
    assert status["counts"] == {"answered": 2}

    key = (
        "--archive",
        desk.folder / "filed",
        "--key",
        desk.city.home / "keys" / "org-1.key",
        "--passphrase-fd",
        0,
    )
    secret = (desk.city.home / "passphrase").read_bytes()
    done = ok(*desk.collect(*key), stdin=secret).json
    assert (done["judged"], done["counts"]) == (2, {"valid": 1, "invalid": 1})
    first, second = table(desk.folder / "results.csv")
    assert (first["outcome"], first["reason"], first["name"]) == ("valid", "", desk.name)
    assert len(first) > 9
    assert (second["outcome"], second["reason"]) == ("invalid", "pres.subject_mismatch")
    assert all(value == "" for value in list(second.values())[8:])
    assert ok(*desk.collect("--force")).json["judged"] == 0

    (bundle,) = (path for path in (desk.folder / "filed").iterdir() if path.is_dir())
    for row, outcome, code in (("0002", "valid", 0), ("0003", "invalid", 3)):
        filed = {
            ending: desk.folder / "filed" / f"{row}.{ending}"
            for ending in ("proof", "presentation", "request")
        }
        subject = ("--subject-name", "测试乙", "--subject-tail", "0025") if row == "0003" else ()
        stands = tally(
            "verify", "--proof", filed["proof"], "--presentation", filed["presentation"], "--request",
            filed["request"], "--trust", bundle, *subject, "--json",
        )  # fmt: skip
        assert (stands.code, stands.json["proof"]["outcome"]) == (code, outcome)

    other = desk.folder / "other.csv"
    other.write_text("name,id_tail\n测试丁,0017\n")
    wrong = tally(*desk.send(other, "--force"))
    assert (wrong.code, wrong.json["error"]["reason"]) == (2, "cli.exists")


def test_a_key_is_replaced_and_an_organisation_stopped(desk: Desk) -> None:
    folder, home = desk.folder, ("--home", desk.city.home)
    names = ("--name-zh", "示例学校(测试)", "--name-en", "Example School (test)", "--contact", "示例路2号")
    ok("org", "new-key", "--org", 7, "--out", folder / "old.key")
    alike = ("--name-zh", "示例锒行(测试)", *names[2:])
    refused = tally("org", "register", "--org", 8, *alike, *home, "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (2, "org.look_alike")
    own = ("--request-key", folder / "old.key.pub", "--out", folder / "old.registration")
    ok("org", "register", "--org", 7, *names, *own, *home)
    ok("org", "register", "--org", 8, *alike, "--allow-look-alike", *home)
    (folder / "token-7").write_text(ok("wallet", "org-token", "--db", desk.db, "--org", 7).out)

    hires = folder / "hires-7.csv"
    hires.write_text(f"name,id_tail\n{desk.name},{desk.tail}\n")

    def send(name: str, key: str) -> tuple[object, ...]:
        files = ("--key", folder / f"{key}.key", "--registration", folder / f"{key}.registration")
        state = (
            "--state",
            folder / f"{name}.db",
            "--links",
            folder / f"{name}.csv",
            "--token-file",
            folder / "token-7",
        )
        return ("org", "hires", "send", hires, "--wallet", desk.url, *state, *files, "--json")

    ok(*send("first", "old"))
    made = ("--replaces", folder / "old.key", "--rollover", folder / "rollover")
    ok("org", "new-key", "--org", 7, "--out", folder / "new.key", *made)
    ok("org", "rollover", folder / "rollover", "--out", folder / "new.registration", *home)
    stale = tally("org", "rollover", folder / "rollover", "--out", folder / "x", *home, "--json")
    assert (stale.code, stale.json["error"]["reason"]) == (2, "cli.key_mismatch")
    tell = (
        "--wallet",
        desk.url,
        "--token-file",
        folder / "token-7",
        "--registration",
        folder / "new.registration",
    )
    ok("org", "announce", "--rollover", folder / "rollover", *tell)
    late = tally(*send("second", "old"))
    assert (late.code, late.json["error"]["reason"]) == (3, "org.key_replaced")
    ok(*send("third", "new"))
    with desk.phone() as phone:
        for name in ("first", "third"):
            phone.answer(table(folder / f"{name}.csv")[0]["link"], minutes=60)

    ok("wallet", "org-suspend", "--db", desk.db, "--org", 7)
    ok("org", "suspend", "--org", 7, *home)
    stopped = tally(
        "org", "hires", "status", "--state", folder / "first.db", "--token-file", folder / "token-7", "--json"
    )
    assert (stopped.code, stopped.json["error"]["reason"]) == (3, "auth.invalid")
    resume = (
        "org",
        "resume",
        "--org",
        7,
        *home,
        "--out",
        folder / "last.registration",
        "--json",
        "--request-key",
    )
    same = tally(*resume, folder / "new.key.pub")
    assert (same.code, same.json["error"]["reason"]) == (2, "cli.key_retired")
    ok("org", "new-key", "--org", 7, "--out", folder / "last.key")
    ok(*resume, folder / "last.key.pub")
    trust = ("--registration", folder / "last.registration", "--trust", desk.city.trust)
    ok("wallet", "org-resume", "--db", desk.db, *trust)
    (folder / "token-7").write_text(ok("wallet", "org-token", "--db", desk.db, "--org", 7).out)
    ok(*send("fourth", "last"))
