"""The trust root of a home: its offline keys, the chain of root versions, and drafts that wait for signatures.

HOME/tuf/<version>.root.json   every root there was: a verifier follows them one by one
HOME/tuf/draft/                targets.json and the files it names, until enough root keys have signed it

`tally init` makes three root keys in the home. A test home keeps them; a production home's holders each make their own
(`tally trust keys new`), rotate to them, and destroy these (docs/TRUST.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tuf.api.metadata import Metadata, Root

from certificate.directory import parse_directory, sign_directory
from certificate.keys import CoseSigner, Ed25519CoseSigner
from issuer.home import LIVE_KEY, ROOT_KEYS, Home
from issuer.live_key import require_live_key, take_live_key
from issuer.tuf_metadata import (
    add_signature,
    check_next_root,
    encode_metadata,
    make_root,
    make_targets,
    parse_root,
    parse_targets_metadata,
    parse_unsigned_root,
    role_keys,
)
from ledger.durable import replace_durably
from ledger.errors import ConfigError, VerificationError
from ledger.keyfile import save_key
from ledger.reasons import Reason
from verifier.endorsed import FILE_NAME, TARGETS_NAME, Endorsed, parse_targets
from verifier.trust import DIRECTORY_NAME
from verifier.trust_dir import load_root_keys

__all__ = [
    "accept_root",
    "add_root",
    "check_follows",
    "draft_root",
    "draft_targets",
    "read_draft",
    "root_chain",
    "root_keys",
    "sign_draft",
]

_ROOT_DRAFT = "root.json"


def add_root(home: Home, *, random: Callable[[int], bytes], now: int, salt: bytes | None = None) -> None:
    """Give a home its root keys, its online key and the first root. Stopped halfway, it goes on where it was.

    Raises:
        ConfigError: `cli.exists`, when it has a root.
    """
    folder = home.tuf_dir
    if root_chain(home):
        raise ConfigError(
            Reason.CLI_EXISTS, "this home has a trust root", hint="use: tally trust root rotate"
        )
    for name in (*ROOT_KEYS, LIVE_KEY):
        if not home.key_path(name).exists():
            save_key(
                home.key_path(name),
                random(32),
                purpose=name,
                environment=home.settings.environment.name.lower(),
                passphrase=home.passphrase(),
                salt=salt,
            )
    signers = [home.signer(name) for name in ROOT_KEYS]
    keys = [signer.public_key for signer in signers]
    root = make_root(1, root_keys=keys, live_key=home.signer(LIVE_KEY).public_key, now=now)
    folder.mkdir(mode=0o700, exist_ok=True)
    replace_durably(folder / "1.root.json", encode_metadata(add_signature(root, signers)))


def root_chain(home: Home) -> list[bytes]:
    """All root versions, the first one first; none in a home made before there were any."""
    chain: list[bytes] = []
    while (path := home.tuf_dir / f"{len(chain) + 1}.root.json").exists():
        chain.append(path.read_bytes())
    return chain


def root_keys(home: Home) -> list[bytes]:
    """The public root keys of the newest root. Raises ConfigError `trust.missing` in a home without one."""
    return role_keys(parse_root(_newest(home)), "root")


def draft_targets(home: Home, files: Mapping[str, bytes], *, version: int, now: int) -> bytes:
    """`targets.json` for `files`, signed by those root keys that the home holds. It stands with them in the draft."""
    targets = make_targets(version, files, live_key=home.signer(LIVE_KEY).public_key, now=now)
    data = encode_metadata(add_signature(targets, _held_signers(home)))
    draft = home.tuf_dir / "draft"
    draft.mkdir(mode=0o700, exist_ok=True)
    for path in draft.iterdir():
        path.unlink()
    for name, content in {**files, TARGETS_NAME: data}.items():
        replace_durably(draft / name, content)
    return data


def draft_root(
    home: Home, new_keys: Sequence[bytes], out: Path, *, now: int, live: CoseSigner | None = None
) -> int:
    """Write the next root, with `new_keys`, and the targets under it, to be signed; returns its version.

    Those root keys that the home holds sign at once.

    Args:
        new_keys: raw public keys; none: the same ones, for another term.
        live: the online key that is to follow; None: the same one. It signs the directory anew.
    Raises:
        ConfigError: `cli.exists` (OUT), `trust.missing`, `trust.threshold` (fewer than two keys, or one of them twice).
    """
    new_keys = new_keys or root_keys(home)
    if len(new_keys) < 2 or len(set(new_keys)) < len(new_keys):
        raise ConfigError(
            Reason.TRUST_THRESHOLD, f"{len(set(new_keys))} keys", hint="name three different keys"
        )
    old = parse_root(_newest(home))
    version = old.signed.version + 1
    live_key = _live_key(old) if live is None else live.public_key
    root = make_root(version, root_keys=new_keys, live_key=live_key, now=now)
    held = _held_signers(home) + _held_signers(home, new_keys)
    try:
        out.mkdir(mode=0o700)
    except FileExistsError as exc:
        raise ConfigError(Reason.CLI_EXISTS, out.name, hint="name a folder that does not exist yet") from exc
    replace_durably(out / _ROOT_DRAFT, encode_metadata(add_signature(root, held)))
    present = (home.trust_dir / TARGETS_NAME).read_bytes()
    files = {
        name: (home.trust_dir / name).read_bytes()
        for name in parse_targets(present, root_keys=root_keys(home)).digests
    }
    if live is not None:
        files[DIRECTORY_NAME] = _signed_anew(files[DIRECTORY_NAME], live)
    number = parse_targets_metadata(present).signed.version + 1
    targets = make_targets(number, files, live_key=live_key, now=now)
    for name, content in files.items():
        replace_durably(out / name, content)
    signed = add_signature(targets, _held_signers(home, new_keys))
    replace_durably(out / TARGETS_NAME, encode_metadata(signed))
    return version


def sign_draft(draft: Path, signer: CoseSigner) -> list[tuple[str, str]]:
    """Add one signature to what is in `draft`; returns each document and file with its SHA-256, as it was signed.

    Raises:
        ConfigError: `cli.not_found`. FormatError: `trust.malformed`.
        VerificationError: `trust.bundle_sig_invalid` (a file is not the one that the draft names).
    """
    shown: list[tuple[str, str]] = []
    for name, parse in ((_ROOT_DRAFT, parse_unsigned_root), (TARGETS_NAME, parse_targets_metadata)):
        if (draft / name).exists():
            document = parse((draft / name).read_bytes())
            replace_durably(draft / name, encode_metadata(add_signature(document, [signer])))
            shown.append((name, f"version {document.signed.version}"))
    if not shown:
        raise ConfigError(Reason.CLI_NOT_FOUND, "no draft there", hint="name the draft's folder")
    if (draft / TARGETS_NAME).exists():
        targets = parse_targets_metadata((draft / TARGETS_NAME).read_bytes()).signed.targets
        shown += [(name, target.hashes["sha256"]) for name, target in sorted(targets.items())]
    return shown


def accept_root(home: Home, draft: Path) -> bool:
    """Take the root in `draft`, if there is one, as the home's newest, and the online key that it names.

    Raises:
        VerificationError: `trust.threshold` and as `check_next_root` and `check_follows`.
        ConfigError: `cli.not_found` when the online key is not here.
    """
    path = draft / _ROOT_DRAFT
    if not path.exists():
        return False
    data = path.read_bytes()
    if data == _newest(home):  # taken before the power failed
        take_live_key(home, _live_key(parse_root(data)))
        return True
    root = check_next_root(parse_root(_newest(home)), data)
    keys = role_keys(root, "targets")
    check_follows(home, parse_targets(read_draft(draft).get(TARGETS_NAME, b""), root_keys=keys))
    require_live_key(home, _live_key(root))
    replace_durably(home.tuf_dir / f"{root.signed.version}.root.json", data)
    take_live_key(home, _live_key(root))
    return True


def check_follows(home: Home, endorsed: Endorsed) -> None:
    """Raise VerificationError `trust.bundle_rollback` for targets drafted before those that went out since."""
    held = parse_targets(
        (home.trust_dir / TARGETS_NAME).read_bytes(), root_keys=load_root_keys(home.trust_dir)
    )
    if (endorsed.version, endorsed.digests) == (held.version, held.digests):
        return  # published before the power failed
    if endorsed.version <= held.version:
        raise VerificationError(
            Reason.TRUST_BUNDLE_ROLLBACK,
            f"targets {endorsed.version} after {held.version}",
            hint="something else was published meanwhile: draft it again",
        )


def read_draft(draft: Path) -> dict[str, bytes]:
    """The files of a draft by name, without its root."""
    return {
        path.name: path.read_bytes()
        for path in sorted(draft.iterdir())
        if FILE_NAME.fullmatch(path.name) and path.name != _ROOT_DRAFT
    }


def _newest(home: Home) -> bytes:
    chain = root_chain(home)
    if not chain:
        hint = "make one: tally trust root new"
        raise ConfigError(Reason.TRUST_MISSING, "this home has no trust root", hint=hint)
    return chain[-1]


def _live_key(root: Metadata[Root]) -> bytes:
    [key] = role_keys(root, "timestamp")
    return key


def _signed_anew(data: bytes, live: CoseSigner) -> bytes:
    directory = parse_directory(data).directory
    return sign_directory(live, replace(directory, version=directory.version + 1))


def _held_signers(home: Home, keys: Sequence[bytes] | None = None) -> list[Ed25519CoseSigner]:
    """The root keys in the home that are among `keys`, by default those of the newest root."""
    wanted = root_keys(home) if keys is None else keys
    paths = [name for name in ROOT_KEYS if home.key_path(name).exists()]
    return [signer for signer in map(home.signer, paths) if signer.public_key in wanted]
