"""The trust bundle: all that a verifier holds before it goes offline (DESIGN 3.6), from bytes to look-ups.

A bundle is a set of named files. `bundle.cose` names every other file with its SHA-256,
so that a mixture of old and new files, or a changed one, is noticed:

    payload = [1, environment, version, issued, expires, [[name, sha256], ...]]      times in POSIX seconds

    directory.cose          the directory (certificate.directory)
    policy.txt              the C2SP tlog-policy: logs, witnesses, quorum
    status-<A>-<L>.cwt      status list L of authority A
    policy-<id>.toml        a policy that organisations may ask (certificate.policy)
    template-<id>.toml      a form, and what is asked to fill it (certificate.template)
    checkpoint-<log>.txt, blocks-<log>.cbor, milestones-<log>.cbor    what is held of a log (verifier.held)
    targets.json            what the offline keys vouch for (verifier.endorsed)

Under several root keys, directory, tlog-policy and policies count as `targets.json` names them, signed by more than
half of those keys, and `bundle.cose` is signed by an online key that it lists. Under a single root key, that key signs
`bundle.cose` and directory itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from certificate.cose import Sign1, parse_sign1, sign_object
from certificate.directory import Directory, parse_directory
from certificate.keys import CoseSigner, check_key, key_id, verify_signature
from certificate.numbers import Environment, Typ
from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy
from certificate.schema import take_array, take_bytes, take_int, take_version
from certificate.template.language import Template
from certificate.template.parsing import parse_template
from ledger.errors import FormatError, ProjectError, UndeterminedError, VerificationError
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy, parse_trust_policy
from verifier.endorsed import TARGETS_NAME, Endorsed, is_live_name, parse_targets
from verifier.environment import check_environment
from verifier.held import HeldLogs, parse_held_logs
from verifier.known import Known

__all__ = [
    "BUNDLE_NAME",
    "DIRECTORY_NAME",
    "POLICY_NAME",
    "VERSIONS_OF_A_ROOT",
    "TrustBundle",
    "parse_bundle",
    "policy_file_name",
    "sign_bundle",
    "status_file_name",
    "template_file_name",
]

BUNDLE_NAME = "bundle.cose"
DIRECTORY_NAME = "directory.cose"
POLICY_NAME = "policy.txt"
_STATUS_NAME = re.compile(r"status-([1-9][0-9]{0,4})-(0|[1-9][0-9]{0,9})\.cwt")
_POLICY_FILE = re.compile(r"policy-([a-z0-9.]{1,32})\.toml")
_TEMPLATE_FILE = re.compile(r"template-([a-z0-9.]{1,32})\.toml")
_MAX_FILE = 64 * 2**20
_MAX_MANIFEST = 256 * 2**10  # what is read before any signature is checked; some 4,000 files
_MAX_SECONDS = 2**40
VERSIONS_OF_A_ROOT = 10**9
"""A bundle under root version n counts to less than n + 1 times this: the thief of an online key, who may count as he
likes, cannot count past the root that names another."""
_Named = TypeVar("_Named", Policy, Template)


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """A bundle whose signatures and digests hold. Status lists are judged when a certificate points at one."""

    environment: Environment
    version: int
    issued: int
    expires: int
    directory: Directory
    policy: TrustPolicy
    status_tokens: Mapping[tuple[int, int], bytes]
    digest: bytes
    policies: Mapping[str, Policy] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    held: HeldLogs = field(default_factory=HeldLogs)
    endorsed: int = 0  # version of what the offline keys signed; 0 under a single root key
    facts: Mapping[str, object] = field(init=False, repr=False, compare=False)  # for the reader of a report
    # A bundle made from this one by `replace` has learnt nothing yet.
    known: Known = field(init=False, repr=False, compare=False, default_factory=Known)

    def __post_init__(self) -> None:
        facts = {
            "environment": self.environment.name.lower(),
            "version": self.version,
            "issued": self.issued,
            "expires": self.expires,
            "digest": self.digest.hex(),
        }
        object.__setattr__(self, "facts", facts)

    def status_token(self, authority: int, number: int) -> bytes:
        """The published list. Raises UndeterminedError `status.list_missing`."""
        try:
            return self.status_tokens[authority, number]
        except KeyError as exc:
            raise UndeterminedError(
                Reason.STATUS_LIST_MISSING, f"list {number} of authority {authority}"
            ) from exc


def status_file_name(authority: int, number: int) -> str:
    return f"status-{authority}-{number}.cwt"


def policy_file_name(policy: str) -> str:
    return f"policy-{policy}.toml"


def template_file_name(template: str) -> str:
    return f"template-{template}.toml"


def sign_bundle(
    signer: CoseSigner,
    files: Mapping[str, bytes],
    *,
    environment: Environment,
    version: int,
    issued: int,
    expires: int,
) -> bytes:
    """`bundle.cose` over `files` (name to content, without itself)."""
    listing = [[name, sha256(files[name]).digest()] for name in sorted(files)]
    return sign_object(signer, Typ.BUNDLE, [1, int(environment), version, issued, expires, listing])


def parse_bundle(files: Mapping[str, bytes], *, root_keys: Sequence[bytes]) -> TrustBundle:
    """Check and open a bundle.

    Args:
        files: name to content; a name that `bundle.cose` does not list is refused.
        root_keys: raw Ed25519 public keys of the trust root, pinned by the caller. Empty refuses everything; of
            several, more than half must have signed.
    Raises:
        UndeterminedError: `trust.missing` (no `bundle.cose`, or a listed file is absent).
        VerificationError: `trust.bundle_sig_invalid`, `trust.threshold`, `key.env_test`.
        FormatError: `trust.malformed`, `enc.too_large`, `key.weak`, `key.kid_ambiguous` and what the parsers raise.
    """
    if BUNDLE_NAME not in files:
        raise UndeterminedError(
            Reason.TRUST_MISSING, BUNDLE_NAME, hint="name the folder that holds the trust bundle"
        )
    if any(len(content) > _MAX_FILE for content in files.values()):
        raise FormatError(Reason.ENC_TOO_LARGE, "a file of the bundle")
    if len(files[BUNDLE_NAME]) > _MAX_MANIFEST:
        raise FormatError(Reason.ENC_TOO_LARGE, BUNDLE_NAME)
    manifest = parse_sign1(files[BUNDLE_NAME], Typ.BUNDLE)
    endorsed = _endorsed(files, root_keys) if len(root_keys) > 1 else None
    signers = root_keys if endorsed is None else endorsed.live_keys
    _check_signature(manifest, signers)
    take_version(take_array(manifest.payload, 6)[0])
    _, environment, version, issued, expires, listing = manifest.payload
    _check_listing(listing, files)
    if endorsed is not None:
        _check_endorsed(files, endorsed)
    for due in (DIRECTORY_NAME, POLICY_NAME):
        if due not in files:
            raise UndeterminedError(Reason.TRUST_MISSING, due)
    parsed = parse_directory(files[DIRECTORY_NAME])
    _check_signature(parsed.sign1, signers)
    directory, policy = parsed.directory, parse_trust_policy(_text(files[POLICY_NAME]))
    if directory.environment is not Environment(take_int(environment, 0, 1)):
        raise VerificationError(Reason.KEY_ENV_TEST, "directory and bundle are of different environments")
    check_environment(directory, policy, signers=(*root_keys, *signers))
    issued = take_int(issued, 0, _MAX_SECONDS)
    return TrustBundle(
        environment=directory.environment,
        version=take_int(version, 1, 2**53),
        issued=issued,
        expires=take_int(expires, 0, _MAX_SECONDS),
        directory=directory,
        policy=policy,
        status_tokens=_status_tokens(files),
        digest=manifest.digest(),
        policies=_named(files, _POLICY_FILE, parse_policy),
        templates=_named(files, _TEMPLATE_FILE, parse_template),
        held=parse_held_logs(files, directory=directory, policy=policy, now=issued),
        endorsed=0 if endorsed is None else endorsed.version,
    )


def _endorsed(files: Mapping[str, bytes], root_keys: Sequence[bytes]) -> Endorsed:
    if TARGETS_NAME not in files:
        raise UndeterminedError(Reason.TRUST_MISSING, TARGETS_NAME, hint="run: tally trust sync")
    return parse_targets(files[TARGETS_NAME], root_keys=root_keys)


def _check_endorsed(files: Mapping[str, bytes], endorsed: Endorsed) -> None:
    """The online key alone replaces only what is its own, and leaves nothing of the rest out."""
    for name, content in files.items():
        if name == TARGETS_NAME or is_live_name(name):
            continue
        if endorsed.digests.get(name) != sha256(content).digest():
            raise VerificationError(
                Reason.TRUST_BUNDLE_SIG_INVALID, f"{name} is not what the offline keys signed"
            )
    for name in endorsed.digests:
        if name not in files:
            raise UndeterminedError(Reason.TRUST_MISSING, name, hint="run: tally trust sync")


def _check_signature(sign1: Sign1, keys: Sequence[bytes]) -> None:
    for public_key in keys:
        if key_id(check_key(public_key)) == sign1.kid:
            try:
                verify_signature(public_key=public_key, message=sign1.to_be_signed, signature=sign1.signature)
            except ProjectError as exc:
                raise VerificationError(Reason.TRUST_BUNDLE_SIG_INVALID, sign1.kid.hex()) from exc
            return
    raise VerificationError(Reason.TRUST_BUNDLE_SIG_INVALID, f"key {sign1.kid.hex()} may not sign it")


def _check_listing(listing: object, files: Mapping[str, bytes]) -> None:
    listed: dict[str, bytes] = {}
    for row in take_array(listing, at_most=100_000):
        name, digest = take_array(row, 2)
        if type(name) is not str or name in listed:
            raise FormatError(Reason.TRUST_MALFORMED, "file names of the bundle")
        listed[name] = take_bytes(digest, 32)
    for name, digest in listed.items():
        if name not in files:
            raise UndeterminedError(Reason.TRUST_MISSING, name, hint="fetch the bundle again")
        if sha256(files[name]).digest() != digest:
            raise VerificationError(
                Reason.TRUST_BUNDLE_SIG_INVALID, f"{name} is not the file the bundle lists"
            )
    unlisted = files.keys() - listed.keys() - {BUNDLE_NAME}
    if unlisted:
        raise FormatError(Reason.TRUST_MALFORMED, f"{len(unlisted)} files that the bundle does not list")


def _status_tokens(files: Mapping[str, bytes]) -> dict[tuple[int, int], bytes]:
    tokens = {}
    for name, content in files.items():
        match = _STATUS_NAME.fullmatch(name)
        if match:
            tokens[int(match[1]), int(match[2])] = content
    return tokens


def _named(
    files: Mapping[str, bytes], pattern: re.Pattern[str], parse: Callable[[bytes], _Named]
) -> dict[str, _Named]:
    """Id to policy or template; a file is named for what is in it."""
    found = {}
    for name, content in files.items():
        match = pattern.fullmatch(name)
        if match:
            found[match[1]] = parse(content)
            if found[match[1]].id != match[1]:
                raise FormatError(Reason.TRUST_MALFORMED, f"{name} holds something else")
    return found


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError(Reason.ENC_UTF8_INVALID, POLICY_NAME) from exc
