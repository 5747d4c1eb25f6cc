"""Attacks on the issuer's commands and keys: K01 to K09, K11, K13 to K15, by the program's own entry point."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certificate.directory import Directory, DirectoryKey
from certificate.keys import Ed25519CoseSigner
from cli.init import example_bureau
from issuer.home import Home
from issuer.publish import cut_bundle, load_directory
from issuer.service import mint_persons, opened_register
from issuer.setup import create_home
from ledger.errors import IntegrityError
from ledger.keyfile import load_key, save_key
from ledger.reasons import Reason
from tests.attacks.commands import City, Ran, ok, tally
from tests.attacks.forging import reason_of
from tests.attacks.marking import attack
from tests.issuer.conftest import Bureau, bureau, pristine_bureau
from tests.world import SECONDS

__all__ = ["bureau", "pristine_bureau"]  # the fixtures

TALLY = Path(sys.executable).with_name("tally")


def mint(city: City, *more: object) -> Ran:
    return tally("issuer", "mint", "--person", city.person, "--home", city.home, "--json", *more)


def registered(home: Path) -> int:
    """How many certificates the home's register holds."""
    with opened_register(Home(home)) as register:
        return register.count()


def refused(ran: Ran, reason: Reason, code: int = 2) -> None:
    assert (ran.code, ran.reason) == (code, reason.value), ran.err + ran.out


# --- K01 to K05: keys and clocks -------------------------------------------------------------------------


def loose(path: Path) -> None:
    path.chmod(0o644)


def link(path: Path) -> None:
    kept = path.with_suffix(".kept")
    path.rename(kept)
    path.symlink_to(kept)


def open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


@attack("K01", Reason.CLI_KEY_PERMISSIONS)
@pytest.mark.parametrize("spoil", [loose, link, open_folder])
@pytest.mark.parametrize("key", ["office-1", "log", "witness-2", "seal", "live"])
def test_K01_a_key_file_that_others_can_reach(
    own_city: City, key: str, spoil: Callable[[Path], None]
) -> None:
    """Each key of the home readable by others, a link, or in a folder open to all: nothing is minted."""
    spoil(own_city.home / "keys" / f"{key}.key")
    refused(mint(own_city), Reason.CLI_KEY_PERMISSIONS)
    # The online key signs no certificate: without it one is minted and logged, and goes out with the next bundle.
    assert key == "live" or registered(own_city.home) == 0


@attack("K02", Reason.KEY_PASSPHRASE)
def test_K02_the_passphrase_is_taken_from_a_descriptor_only(
    own_city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from an argument or the environment, and never printed."""
    passphrase = (own_city.home / "passphrase").read_text().strip()
    (own_city.home / "passphrase").unlink()
    for name in ("PASSPHRASE", "TALLY_PASSPHRASE", "TALLY_HOLDER_PASSPHRASE", "TALLY_INIT_PASSPHRASE_FD"):
        monkeypatch.setenv(name, passphrase)
    refused(mint(own_city), Reason.KEY_PASSPHRASE)
    for option in ("--passphrase", "--password", "--pass"):
        ran = tally(
            "issuer", "mint", "--person", own_city.person, "--home", own_city.home, option, passphrase
        )
        assert ran.code == 2
        assert passphrase not in ran.out + ran.err


@attack("K02", Reason.KEY_PASSPHRASE)
def test_K02_a_wrong_passphrase_is_not_repeated(own_city: City) -> None:
    """What was typed stands in no message, and in no traceback of a crash."""
    (own_city.home / "passphrase").write_text("correct horse battery\n")
    ran = mint(own_city)
    refused(ran, Reason.KEY_PASSPHRASE)
    assert "horse" not in ran.out + ran.err
    stored = load_key(_plain_key(own_city.home.parent), purpose="log", passphrase=None)
    assert stored.seed.hex() not in repr(stored) + str(stored) + repr(stored.signer)


def _plain_key(folder: Path) -> Path:
    folder.chmod(0o700)
    path = folder / "plain.key"
    save_key(path, bytes(range(32)), purpose="log", environment="test", passphrase=None)
    return path


@attack("K03", Reason.KEY_MALFORMED)
def test_K03_a_key_that_says_another_environment(own_city: City) -> None:
    """A test key whose file was edited to say production: the seal binds what stands in the clear."""
    path = own_city.home / "keys" / "office-1.key"
    path.write_text(path.read_text().replace('"test"', '"production"'))
    refused(mint(own_city), Reason.KEY_MALFORMED)


@attack("K03", Reason.CLI_KEY_ENV_MISMATCH)
def test_K03_a_production_key_in_a_test_home(own_city: City) -> None:
    """A production key under the same passphrase; nothing is minted with it."""
    path = own_city.home / "keys" / "office-1.key"
    path.unlink()
    passphrase = (own_city.home / "passphrase").read_bytes().strip()
    save_key(path, bytes(32), purpose="office-1", environment="production", passphrase=passphrase)
    refused(mint(own_city), Reason.CLI_KEY_ENV_MISMATCH)
    assert registered(own_city.home) == 0


def with_office_key(bureau: Bureau, change: Callable[[DirectoryKey], DirectoryKey]) -> None:
    """Publish a directory in which the office's key is another one, or good elsewhere."""
    d: Directory = load_directory(bureau.home)
    changed = replace(d, version=d.version + 1, keys=(change(d.keys[0]), *d.keys[1:]))
    cut_bundle(bureau.home, bureau.ledger, now=SECONDS, directory=changed)


def minting(bureau: Bureau) -> Reason | None:
    """Why the bureau mints nothing; None if it does."""
    size = bureau.ledger.size
    person = [(bureau.persons[0], b"")]
    reason = reason_of(lambda: mint_persons(bureau.home, bureau.ledger, person, now=SECONDS))
    if reason is not None:
        assert bureau.ledger.size == size
        with opened_register(bureau.home) as register:
            assert register.count() == 0
    return reason


@attack("K04", Reason.CLI_KEY_RETIRED)
@pytest.mark.parametrize("end", ["to_index", "void_from"])
def test_K04_a_retired_key(bureau: Bureau, end: str) -> None:
    """The directory ended the key's range, or voided it: nothing is signed with it any more."""
    size = bureau.ledger.size
    with_office_key(bureau, lambda key: replace(key, **{end: size + 1000}))  # type: ignore[arg-type]  # its fields
    assert minting(bureau) is None
    with_office_key(bureau, lambda key: replace(key, **{end: size}))  # type: ignore[arg-type]  # its fields
    reason = reason_of(
        lambda: mint_persons(bureau.home, bureau.ledger, [(bureau.persons[1], b"")], now=SECONDS)
    )
    assert reason is Reason.CLI_KEY_RETIRED


@attack("K04", Reason.CLI_KEY_MISMATCH)
@pytest.mark.parametrize("how", ["unlisted", "office", "later"])
def test_K04_a_key_of_another_issuer(bureau: Bureau, how: str) -> None:
    """A key that the directory does not list, lists for another office, or for positions still to come."""
    changes = {
        "unlisted": {"public_key": Ed25519CoseSigner(bytes(32)).public_key},
        "office": {"office": 2},
        "later": {"from_index": 2**40},
    }
    with_office_key(bureau, lambda key: replace(key, **changes[how]))  # type: ignore[arg-type]  # its fields
    assert minting(bureau) is Reason.CLI_KEY_MISMATCH


@attack("K04", Reason.CLI_KEY_MISMATCH)
def test_K04_the_key_of_another_home(own_city: City) -> None:
    """Another home's office key, under this home's passphrase."""
    path = own_city.home / "keys" / "office-1.key"
    path.unlink()
    passphrase = (own_city.home / "passphrase").read_bytes().strip()
    save_key(path, bytes([7]) * 32, purpose="office-1", environment="test", passphrase=passphrase)
    refused(mint(own_city), Reason.CLI_KEY_MISMATCH)
    assert registered(own_city.home) == 0


@attack("K05", Reason.CLI_CLOCK_SUSPECT)
@pytest.mark.parametrize("now", [0, 1, SECONDS - 1, 2**32, 2**40])
def test_K05_a_clock_that_cannot_be_right(bureau: Bureau, now: int) -> None:
    """1970, a second before the newest checkpoint, 2106."""
    size = bureau.ledger.size
    reason = reason_of(lambda: mint_persons(bureau.home, bureau.ledger, [(bureau.persons[0], b"")], now=now))
    assert reason is Reason.CLI_CLOCK_SUSPECT
    assert bureau.ledger.size == size


# --- K06 to K09: batches, files, paths -------------------------------------------------------------------


@attack("K06")
def test_K06_the_same_again(own_city: City) -> None:
    """The same person, cut-off and records: the same receipt, nothing signed and no entry of its own."""
    first, second = mint(own_city).json, mint(own_city).json
    assert (first["minted"], second["minted"], second["already"]) == (1, 0, 1)
    same = [[(c["number"], c["index"]) for c in run["certificates"]] for run in (first, second)]
    assert same[0] == same[1]
    assert registered(own_city.home) == 1


def holder_keys(city: City, *lines: str) -> Ran:
    file = city.home.parent / "keys.csv"
    file.write_text("".join(line + "\n" for line in lines), "utf-8")
    return tally("issuer", "mint", "--enrolled", "--holder-keys", file, "--home", city.home, "--json")


def key_of(number: int) -> str:
    return Ed25519CoseSigner(number.to_bytes(32)).public_key.hex()


BAD_LINES = [
    "9900000002",
    "9900000002,",
    "9900000002,zz",
    "9900000002,00",
    "9900000002," + "00" * 32,
    "9900000002," + key_of(2) + ",more",
    "9900000002," + key_of(2).upper(),
    "0000000000," + key_of(2),
    "," + key_of(2),
    "=9900000002," + key_of(2),
    "",
]


@attack("K07", Reason.CLI_BATCH_INVALID)
@pytest.mark.parametrize("bad", BAD_LINES)
def test_K07_a_batch_with_one_bad_row(own_city: City, bad: str) -> None:
    """One bad line among good ones: nobody is enrolled, nothing is minted, and the next run is not spoilt."""
    good = [f"99{n:08d},{key_of(n)}" for n in range(1, 8)]
    refused(holder_keys(own_city, *good, bad, *good), Reason.CLI_BATCH_INVALID)
    assert registered(own_city.home) == 0
    with opened_register(Home(own_city.home)) as register:
        assert register.enrolled() == []


@attack("K07")
def test_K07_a_batch_with_a_duplicate(own_city: City) -> None:
    """The same line twice: minted once."""
    lines = [f"99{n:08d},{key_of(n)}" for n in (1, 2, 1, 2, 3)]
    assert holder_keys(own_city, *lines).json["minted"] == 3
    assert holder_keys(own_city, *lines).json["minted"] == 0
    assert registered(own_city.home) == 3


@attack("K08", Reason.RECORDS_MANIFEST)
@pytest.mark.parametrize(
    "name", ["../person.csv", "/etc/passwd", "person.txt", "sub/person.csv", "person.csv\x00"]
)
def test_K08_an_export_that_names_other_files(own_city: City, tmp_path: Path, name: str) -> None:
    """A manifest that points out of its folder."""
    folder = tmp_path / "export"
    shutil.copytree(own_city.export, folder)
    manifest = folder / "manifest.toml"
    text = manifest.read_text("utf-8")
    escaped = name.replace("\x00", "\\u0000")
    changed = text.replace('"person.parquet"', f'"{escaped}"')
    assert changed != text
    manifest.write_text(changed, "utf-8")
    ran = tally("issuer", "import", folder, "--home", own_city.home, "--json")
    refused(ran, Reason.RECORDS_MANIFEST, code=3)


@attack("K09", Reason.CLI_PATH_UNSAFE, Reason.CLI_EXISTS)
def test_K09_an_output_that_is_there_or_a_link(own_city: City, tmp_path: Path) -> None:
    """An existing file without the flag; a link, dangling or not, even with it."""
    mint(own_city)
    export = ("issuer", "export", own_city.person, "--as", "text", "--home", own_city.home, "--json", "--out")
    there = tmp_path / "there.txt"
    there.write_text("precious")
    refused(tally(*export, there), Reason.CLI_EXISTS)
    for target in (there, tmp_path / "nowhere"):
        link_ = tmp_path / f"link-{target.name}"
        link_.symlink_to(target)
        for more in ((), ("--force",)):
            refused(tally(*export, link_, *more), Reason.CLI_PATH_UNSAFE)
    assert there.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@attack("K09", Reason.CLI_PATH_UNSAFE)
@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "..", "a/b", "evil.toml", "", "Evil", "a" * 65, "x\x00y"]
)
def test_K09_a_profile_named_like_a_path(tmp_path: Path, name: str) -> None:
    """What names a file inside the home is no path; nothing is made."""
    bad = replace(example_bureau(), profile=name)
    reason = reason_of(
        lambda: create_home(tmp_path / "home", bad, passphrase=b"x", random=os.urandom, now=SECONDS)
    )
    assert reason is Reason.CLI_PATH_UNSAFE
    assert list(tmp_path.iterdir()) == []


@attack("K09", Reason.CLI_NOT_FOUND)
@pytest.mark.parametrize("option", ["--request", "FILE"])
def test_K09_an_input_that_is_not_there(own_city: City, tmp_path: Path, option: str) -> None:
    """A path that does not exist, or is a folder."""
    for path in (tmp_path / "no", tmp_path):
        words = ["verify", path, "--static"] if option == "FILE" else ["verify", "-", "--request", path]
        refused(tally(*words, "--trust", own_city.trust, "--json"), Reason.CLI_NOT_FOUND)


# --- K11 to K15: the ledger, two at once, what is said, what is left behind ------------------------------


class Silent:
    """A ledger that cannot be written."""

    def __init__(self, bureau: Bureau, reason: Reason) -> None:
        self.log, self.size = bureau.ledger.log, bureau.ledger.size
        self.require_clock = bureau.ledger.require_clock
        self._reason = reason

    def append(self, entries: object) -> list[int]:
        raise IntegrityError(self._reason, "the ledger")


@attack("K11", Reason.STORE_FULL, Reason.STORE_IO_ERROR)
@pytest.mark.parametrize("reason", [Reason.STORE_FULL, Reason.STORE_IO_ERROR])
def test_K11_the_ledger_cannot_be_written(bureau: Bureau, reason: Reason) -> None:
    """Disk full or failing midway: no certificate can be had by any command until it is logged."""
    broken = Silent(bureau, reason)
    persons = [(person, b"") for person in bureau.persons[:5]]
    failed = reason_of(lambda: mint_persons(bureau.home, broken, persons, now=SECONDS))  # type: ignore[arg-type]  # the attack
    assert failed is reason
    home = bureau.home.path
    (home / "passphrase").write_bytes(b"test passphrase\n")
    bureau.ledger.close()
    with opened_register(bureau.home) as register:
        numbers = [row.number for row in register.unlogged()]
    assert len(numbers) == 5
    for number in numbers:
        ran = tally(
            "issuer",
            "export",
            number,
            "--as",
            "file",
            "--out",
            home.parent / number,
            "--home",
            home,
            "--json",
        )
        assert ran.code != 0
        assert not (home.parent / number).exists()
    later = ok("issuer", "mint", "--person", bureau.persons[0], "--home", home, "--json").json
    assert (later["minted"], later["resumed"]) == (0, 5)


@attack("K11", Reason.CLI_NOT_FOUND, Reason.STORE_CORRUPT)
@pytest.mark.parametrize(
    ("what", "reason", "code"),
    [
        ("gone", Reason.CLI_NOT_FOUND, 2),
        ("garbage", Reason.STORE_CORRUPT, 1),
        ("policy", Reason.STORE_CORRUPT, 1),
    ],
)
def test_K11_no_ledger_at_all(own_city: City, what: str, reason: Reason, code: int) -> None:
    """The ledger's database removed or overwritten, its policy removed: nothing is signed."""
    folder = own_city.home / "ledger"
    for file in folder.glob("policy.txt" if what == "policy" else "ledger.db*"):
        file.unlink()
    if what == "garbage":
        (folder / "ledger.db").write_bytes(b"garbage" * 2000)
        (folder / "ledger.db").chmod(0o600)
    refused(mint(own_city), reason, code)
    assert registered(own_city.home) == 0


@attack("K13")
def test_K13_two_programs_mint_at_once(own_city: City) -> None:
    """Two processes mint different people and one the same: indices without a gap, and the ledger checks."""
    words = [str(TALLY), "issuer", "mint", "--home", str(own_city.home), "--json"]
    people = [[f"99{n:08d}" for n in numbers] for numbers in ((1, 2, 3, 9), (4, 5, 6, 9))]
    children = [
        subprocess.Popen(
            [*words, *(word for person in mine for word in ("--person", person))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for mine in people
    ]
    said = [child.communicate(timeout=120) for child in children]
    codes = [child.returncode for child in children]
    assert 0 in codes, said
    assert set(codes) <= {0, 4}, said  # 4: the other one was quicker; run again
    for mine in people:
        ok(
            "issuer",
            "mint",
            *(word for person in mine for word in ("--person", person)),
            "--home",
            own_city.home,
        )
    assert registered(own_city.home) == 7
    assert ok("ledger", "check", "--home", own_city.home, "--json").json["entries"] >= 7


FAILURES: dict[str, tuple[list[object], int, Reason]] = {
    "unknown person": (["issuer", "mint", "--person", "0", "--home", "HOME"], 2, Reason.PERSON_NOT_FOUND),
    "no home": (["issuer", "mint", "--all", "--home", "NOWHERE"], 2, Reason.HOME_NOT_FOUND),
    "unknown certificate": (["issuer", "show", "XXXX", "--home", "HOME"], 2, Reason.CERTIFICATE_NOT_FOUND),
    "home twice": (["init", "HOME"], 2, Reason.CLI_EXISTS),
    "no bundle": (["verify", "FILE", "--static", "--trust", "NOWHERE"], 4, Reason.TRUST_MISSING),
    "no such file": (["verify", "NOWHERE", "--static", "--trust", "TRUST"], 2, Reason.CLI_NOT_FOUND),
    "foreign code": (["verify", "FILE", "--static", "--trust", "TRUST"], 3, Reason.ENC_PREFIX_UNKNOWN),
    "broken picture": (["verify", "PNG", "--static", "--trust", "TRUST"], 3, Reason.IMAGE_UNREADABLE),
    "unknown organisation": (
        ["request", "new", "--org", "99", "--out", "OUT", "--home", "HOME"], 2, Reason.ORG_UNREGISTERED,
    ),
    "entry not there": (["ledger", "prove", "99999", "--out", "OUT", "--home", "HOME"], 3, Reason.LOG_INDEX_RANGE),
}  # fmt: skip


@attack("K14")
@pytest.mark.parametrize("what", list(FAILURES))
def test_K14_what_a_failure_says(city: City, tmp_path: Path, what: str) -> None:
    """Each failure: a code other than 0 and 1, the reason in one JSON document, and nothing else on stdout."""
    words, code, reason = FAILURES[what]
    (tmp_path / "file").write_bytes(b"https://example.test")
    (tmp_path / "png").write_bytes(b"\x89PNG\r\n\x1a\ngarbage")
    places = {
        "HOME": city.home,
        "NOWHERE": tmp_path / "nowhere",
        "FILE": tmp_path / "file",
        "PNG": tmp_path / "png",
        "TRUST": city.trust,
        "OUT": tmp_path / "out",
    }
    ran = tally(*(places.get(str(word), word) for word in words), "--json")
    refused(ran, reason, code)
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


@attack("K14")
@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["issuer", "mint"],
        ["verify"],
        ["verify", "x", "--trust", "y"],
        ["issuer", "mint", "--all", "--enrolled", "--home", "x"],
        ["issuer", "export", "x", "--as", "exe", "--out", "y"],
        ["issuer", "mint", "--person"],
        ["init", "x", "--production"],
    ],
    ids=" ".join,
)
def test_K14_wrong_usage(words: list[str]) -> None:
    """Wrong usage is 2, with its help on stderr and nothing on stdout."""
    ran = tally(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


@attack("K15")
def test_K15_no_key_bytes_on_any_disk(
    own_city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After minting and exporting: no seed of any key in the home, in temporary files, or beside them."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    mint(own_city)
    ok(
        "issuer",
        "export",
        own_city.person,
        "--as",
        "pdf",
        "--out",
        tmp_path / "p.pdf",
        "--home",
        own_city.home,
    )
    home = Home(own_city.home)
    names = [path.stem for path in (own_city.home / "keys").iterdir()]
    assert len(names) >= 10
    seeds = [
        load_key(home.key_path(name), purpose=name, passphrase=home.passphrase()).seed
        for name in names
        if not name.startswith("org-")
    ]
    spelled = [
        form
        for seed in seeds
        for form in (
            seed,
            seed.hex().encode(),
            base64.b64encode(seed),
            base64.urlsafe_b64encode(seed).rstrip(b"="),
        )
    ]
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 20
    for path in files:
        content = path.read_bytes()
        assert not any(form in content for form in spelled), path.name


@attack("K15")
def test_K15_no_image_of_memory_is_left() -> None:
    """The program forbids core dumps for itself before it does anything."""
    code = (
        "import resource, sys\n"
        "from cli import main\n"
        "sys.argv = ['tally', '--version']\n"
        "try: main.main()\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "0"


@attack("K15")
def test_K15_secrets_are_files_of_their_owner(own_city: City) -> None:
    """After minting: every file that holds keys, seeds, persons or values is readable by its owner only."""
    mint(own_city)
    public = {"tallystick.toml", "policy.txt", "root.keys"}
    open_to_others = [
        path.relative_to(own_city.home).as_posix()
        for path in own_city.home.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077
    ]
    leaking = [
        name
        for name in open_to_others
        if Path(name).name not in public
        and not name.startswith(("trust/", "profiles/", "policies/", "templates/"))
    ]
    assert leaking == []
    assert own_city.home.stat().st_mode & 0o077 == 0
