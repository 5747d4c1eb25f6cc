"""What never stands in a production bundle: test regions, and keys whose private half everybody can read."""

from __future__ import annotations

from collections.abc import Iterable

from certificate.directory import Directory
from certificate.numbers import Environment
from ledger.errors import VerificationError
from ledger.reasons import Reason
from ledger.trust_policy import TrustPolicy
from verifier.printed_keys import is_printed

__all__ = ["check_environment"]

_TEST_REGION = "99"


def check_environment(directory: Directory, policy: TrustPolicy, *, signers: Iterable[bytes]) -> None:
    """Refuse a production bundle that holds what belongs to tests. A test bundle may hold anything.

    Raises:
        VerificationError: `key.env_test`.
    """
    if directory.environment is not Environment.PRODUCTION:
        return
    for office in directory.offices:
        # The prefix "9" would cover test regions as well: step 3 refuses each certificate of one.
        if office.region_prefix.startswith(_TEST_REGION):
            raise VerificationError(Reason.KEY_ENV_TEST, f"office {office.number} stands in a test region")
    keys = [key.public_key for key in directory.keys]
    keys += [log.key.public_key for log in policy.logs] + [
        witness.key.public_key for witness in policy.witnesses
    ]
    for key in (*keys, *signers):
        if is_printed(key):
            raise VerificationError(Reason.KEY_ENV_TEST, f"key {key[:4].hex()} is printed in test vectors")
