"""The policies that this bureau publishes: a file each in the home's `policies/`, all of them in every bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from certificate.policy.language import Policy
from certificate.policy.parsing import parse_policy
from certificate.policy.shipped import shipped_files
from issuer.home import Home
from issuer.profile import Profile
from ledger.errors import ConfigError, FormatError
from ledger.reasons import Reason
from verifier.trust import policy_file_name

__all__ = ["add_policy", "load_policies", "policies_to_mint", "policy_files", "write_shipped_policies"]


def write_shipped_policies(folder: Path) -> None:
    """Put the shipped examples into a new home's folder."""
    for name, content in shipped_files().items():
        (folder / name).write_bytes(content)


def load_policies(home: Home) -> Mapping[str, Policy]:
    """Policy id to policy. Raises FormatError `policy.malformed`, naming the file."""
    return {policy.id: policy for _, policy in _read(home)}


def policy_files(home: Home) -> dict[str, bytes]:
    """The files as a trust bundle names them. Raises as `load_policies`."""
    return {policy_file_name(policy.id): content for content, policy in _read(home)}


def add_policy(home: Home, content: bytes) -> Policy:
    """Take a policy into the home, in place of an older version of it; it goes out with the next bundle.

    Raises:
        FormatError: `policy.malformed`.
        ConfigError: `cli.exists`: another text with this id and version, or a newer one, is published already.
    """
    policy = parse_policy(content)
    known = load_policies(home).get(policy.id)
    if known is not None and known.digest != policy.digest and known.version >= policy.version:
        hint = "give the changed policy a higher version"
        raise ConfigError(Reason.CLI_EXISTS, f"{policy.id} version {known.version}", hint=hint)
    folder = home.path / "policies"
    folder.mkdir(exist_ok=True)
    staging = folder / f".{policy.id}.new"
    staging.write_bytes(content)
    staging.replace(folder / f"{policy.id}.toml")
    return policy


def policies_to_mint(home: Home, profile: Profile) -> tuple[Policy, ...]:
    """The policies whose answers `profile` wants minted, in its order.

    Raises:
        ConfigError: `cli.not_found`: the home has no policy of such an id.
        FormatError: as `load_policies`.
    """
    if not profile.minted_answers:
        return ()
    known = load_policies(home)
    missing = [name for name in profile.minted_answers if name not in known]
    if missing:
        hint = "add it with `tally issuer policy add`, or take it out of `minted_answers` in the profile"
        raise ConfigError(
            Reason.CLI_NOT_FOUND, f"{len(missing)} policies to mint are not in the home", hint=hint
        )
    return tuple(known[name] for name in profile.minted_answers)


def _read(home: Home) -> list[tuple[bytes, Policy]]:
    found = []
    for path in sorted((home.path / "policies").glob("*.toml")):
        content = path.read_bytes()
        try:
            found.append((content, parse_policy(content)))
        except FormatError as exc:
            raise FormatError(exc.reason, f"{path.name}, {exc.detail}", hint=exc.hint) from exc
    return found
