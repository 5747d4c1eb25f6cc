"""Whether a fetched trust bundle may take the place of the one in use (DESIGN 3.6): pure, without a clock.

1. It is of the same environment and not older: `key.env_test`, `trust.bundle_rollback`.
2. The verifier's clock is not behind a time that was signed: `time.clock_regressed`.
3. No status list is older than one that was seen, and none takes back what was ended for good: `status.list_rollback`.
4. A changed directory or tlog-policy was logged, by what the verifier trusts already; or the root is a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from certificate.status_list import UnverifiedStatusList, parse_status_token, status_list_uri
from ledger.errors import UndeterminedError, VerificationError
from ledger.reasons import Reason
from verifier.list_signature import verify_list_signature
from verifier.list_watch import undone_places
from verifier.logged import PROOF_NAMES, require_logged
from verifier.seen import Seen
from verifier.steps import CLOCK_SKEW
from verifier.trust import TrustBundle

__all__ = ["check_successor", "remember_bundle"]


def check_successor(
    new: TrustBundle,
    files: Mapping[str, bytes],
    *,
    held: TrustBundle | None,
    held_files: Mapping[str, bytes],
    new_root: bool,
    seen: Seen,
    now: int,
) -> None:
    """Steps 1 to 4 above.

    Args:
        new, files: the fetched bundle, opened and as files.
        held, held_files: the one in use; None and nothing at the first sync.
        new_root: whether the root grew a version in this sync.
        seen: what was seen before.
        now: POSIX seconds.
    Raises:
        VerificationError, UndeterminedError: the reasons above, and those of `require_logged`.
    """
    newest = max(seen.newest("bundle.version") or 0, 0 if held is None else held.version)
    if held is not None and held.environment is not new.environment:
        raise VerificationError(Reason.KEY_ENV_TEST, "the bundle in use is of the other environment")
    if new.version < newest:
        raise VerificationError(Reason.TRUST_BUNDLE_ROLLBACK, f"version {new.version} after {newest}")
    signed = max(seen.newest("targets.version") or 0, 0 if held is None else held.endorsed)
    if new.endorsed < signed:  # they name an online key, which may have been stolen since
        raise VerificationError(Reason.TRUST_BUNDLE_ROLLBACK, f"targets {new.endorsed} after {signed}")
    behind = max(seen.newest("time") or 0, new.issued, 0 if held is None else held.issued) - now
    if behind > CLOCK_SKEW:
        raise UndeterminedError(Reason.TIME_CLOCK_REGRESSED, f"{behind} s behind a signed time")
    for listed in _lists(new):
        _check_list(listed, held, seen)
    if held is None or new_root:
        return
    for name, proof in PROOF_NAMES.items():
        if files[name] != held_files[name]:
            require_logged(files[name], files.get(proof), held=held, now=now)


def remember_bundle(new: TrustBundle, seen: Seen, *, now: int) -> None:
    """Note what was seen: version, time, and the time of each list that its authority signed."""
    seen.advance("bundle.version", new.version)
    seen.advance("targets.version", new.endorsed)
    seen.advance("time", new.issued)
    for listed in _lists(new):
        if listed.issued <= now + CLOCK_SKEW:  # one from the future would lock out the honest ones
            seen.advance(listed.uri, listed.issued)


def _lists(bundle: TrustBundle) -> Iterator[UnverifiedStatusList]:
    """The bundle's lists whose signature and name hold; of the others step 8 of a verification says what is wrong."""
    for (authority, number), token in bundle.status_tokens.items():
        listed = parse_status_token(token)
        if listed.uri == status_list_uri(authority, number) and _is_signed(listed, bundle, authority):
            yield listed


def _is_signed(listed: UnverifiedStatusList, bundle: TrustBundle, authority: int) -> bool:
    demanded = bundle.policy.pq_required
    try:
        verify_list_signature(listed, authority=authority, directory=bundle.directory, demanded=demanded)
    except VerificationError:
        return False
    return True


def _check_list(listed: UnverifiedStatusList, held: TrustBundle | None, seen: Seen) -> None:
    if listed.issued < (seen.newest(listed.uri) or 0):
        raise VerificationError(Reason.STATUS_LIST_ROLLBACK, f"{listed.uri}: a newer list was seen before")
    for before in () if held is None else _lists(held):
        if before.uri != listed.uri:
            continue
        if listed.issued < before.issued:
            raise VerificationError(Reason.STATUS_LIST_ROLLBACK, f"{listed.uri}: older than the one in use")
        if next(undone_places(before.statuses, listed.statuses), None) is not None:
            raise VerificationError(Reason.STATUS_LIST_ROLLBACK, f"{listed.uri}: an end for good is undone")
