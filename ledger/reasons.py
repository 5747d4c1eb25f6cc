"""The stable words a refusal uses, and what each of them means for a verdict.

The codes are those of the shared catalogue (`tests/vectors/reason-codes.json`; a test compares) and, at the end,
our own additions. A code never changes its meaning; `docs/reasons.md` lists them all with a sentence for people.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason", "Verdict", "verdict_of"]


class Verdict(StrEnum):
    """What a reason does to the step in which it occurs (DESIGN section 4)."""

    NO = "no"
    CANNOT_TELL = "cannot_tell"
    NOTE = "note"


class Reason(StrEnum):
    """One refusal, one word: `<layer>.<what is wrong>`."""

    ENC_TOO_LARGE = "enc.too_large"
    ENC_PREFIX_UNKNOWN = "enc.prefix_unknown"
    ENC_BASE45_INVALID = "enc.base45_invalid"
    ENC_BASE64_NONCANONICAL = "enc.base64_noncanonical"
    ENC_DECOMPRESS_FAILED = "enc.decompress_failed"
    ENC_DECOMPRESS_LIMIT = "enc.decompress_limit"
    ENC_TRAILING_DATA = "enc.trailing_data"
    ENC_CBOR_MALFORMED = "enc.cbor_malformed"
    ENC_CBOR_NONCANONICAL = "enc.cbor_noncanonical"
    ENC_CBOR_DUPLICATE_KEY = "enc.cbor_duplicate_key"
    ENC_CBOR_TAG_FORBIDDEN = "enc.cbor_tag_forbidden"
    ENC_JSON_MALFORMED = "enc.json_malformed"
    ENC_JSON_DUPLICATE_KEY = "enc.json_duplicate_key"
    ENC_DEPTH_LIMIT = "enc.depth_limit"
    ENC_UTF8_INVALID = "enc.utf8_invalid"
    ENC_NUMBER_RANGE = "enc.number_range"
    ENC_VERSION_UNSUPPORTED = "enc.version_unsupported"

    SCHEMA_FIELD_MISSING = "schema.field_missing"
    SCHEMA_FIELD_UNKNOWN = "schema.field_unknown"
    SCHEMA_FIELD_TYPE = "schema.field_type"
    SCHEMA_TEXT_FORBIDDEN_CHAR = "schema.text_forbidden_char"
    SCHEMA_TEXT_NOT_NFC = "schema.text_not_nfc"
    SCHEMA_TEXT_TOO_LONG = "schema.text_too_long"
    SCHEMA_TEXT_CONFUSABLE = "schema.text_confusable"

    ALG_NOT_ALLOWED = "alg.not_allowed"
    ALG_KEY_MISMATCH = "alg.key_mismatch"
    ALG_DOWNGRADE = "alg.downgrade"

    KEY_UNKNOWN = "key.unknown"
    KEY_KID_AMBIGUOUS = "key.kid_ambiguous"
    KEY_WEAK = "key.weak"
    KEY_NOT_YET_VALID = "key.not_yet_valid"
    KEY_EXPIRED = "key.expired"
    KEY_REVOKED = "key.revoked"
    KEY_COMPROMISED_AFTER = "key.compromised_after"
    KEY_PURPOSE_MISMATCH = "key.purpose_mismatch"
    KEY_ENV_TEST = "key.env_test"

    TRUST_BUNDLE_STALE = "trust.bundle_stale"
    TRUST_BUNDLE_ROLLBACK = "trust.bundle_rollback"
    TRUST_BUNDLE_SIG_INVALID = "trust.bundle_sig_invalid"
    TRUST_THRESHOLD = "trust.threshold"
    TRUST_ISSUER_NOT_AUTHORISED = "trust.issuer_not_authorised"

    SIG_MISSING = "sig.missing"
    SIG_MALFORMED = "sig.malformed"
    SIG_INVALID = "sig.invalid"
    SIG_DUPLICATE = "sig.duplicate"
    SIG_CRIT_UNKNOWN = "sig.crit_unknown"
    SIG_HEADER_UNPROTECTED = "sig.header_unprotected"

    TIME_NOT_YET_VALID = "time.not_yet_valid"
    TIME_EXPIRED = "time.expired"
    TIME_ISSUED_IN_FUTURE = "time.issued_in_future"
    TIME_CLOCK_REGRESSED = "time.clock_regressed"
    TIME_INCONSISTENT = "time.inconsistent"

    DISC_DIGEST_MISMATCH = "disc.digest_mismatch"
    DISC_UNREFERENCED = "disc.unreferenced"
    DISC_DUPLICATE = "disc.duplicate"
    DISC_RESERVED_NAME = "disc.reserved_name"
    DISC_MALFORMED = "disc.malformed"
    DISC_REQUIRED_MISSING = "disc.required_missing"

    PRES_BINDING_MISSING = "pres.binding_missing"
    PRES_BINDING_INVALID = "pres.binding_invalid"
    PRES_AUDIENCE_MISMATCH = "pres.audience_mismatch"
    PRES_PURPOSE_MISMATCH = "pres.purpose_mismatch"
    PRES_NONCE_MISMATCH = "pres.nonce_mismatch"
    PRES_NONCE_REPLAYED = "pres.nonce_replayed"
    PRES_EXPIRED = "pres.expired"
    PRES_TRANSCRIPT_MISMATCH = "pres.transcript_mismatch"
    PRES_STATIC_COPY = "pres.static_copy"

    LOG_INCLUSION_MISSING = "log.inclusion_missing"
    LOG_INCLUSION_INVALID = "log.inclusion_invalid"
    LOG_LEAF_MISMATCH = "log.leaf_mismatch"
    LOG_PROOF_MALFORMED = "log.proof_malformed"
    LOG_INDEX_RANGE = "log.index_range"
    LOG_CONSISTENCY_INVALID = "log.consistency_invalid"
    LOG_FORK_DETECTED = "log.fork_detected"
    LOG_ROLLBACK_DETECTED = "log.rollback_detected"
    LOG_UNKNOWN_ORIGIN = "log.unknown_origin"
    LOG_ENTRY_TYPE = "log.entry_type"

    CKPT_MALFORMED = "ckpt.malformed"
    CKPT_SIG_MISSING = "ckpt.sig_missing"
    CKPT_SIG_INVALID = "ckpt.sig_invalid"
    CKPT_STALE = "ckpt.stale"
    CKPT_EXTENSION_FORBIDDEN = "ckpt.extension_forbidden"
    CKPT_QUORUM_UNMET = "ckpt.quorum_unmet"
    CKPT_WITNESS_UNKNOWN = "ckpt.witness_unknown"
    CKPT_COSIG_INVALID = "ckpt.cosig_invalid"
    CKPT_COSIG_FUTURE = "ckpt.cosig_future"

    WIT_BAD_REQUEST = "wit.bad_request"
    WIT_UNAUTHORISED = "wit.unauthorised"
    WIT_UNKNOWN_LOG = "wit.unknown_log"
    WIT_CONFLICT = "wit.conflict"
    WIT_PROOF_INVALID = "wit.proof_invalid"
    WIT_STATE_LOST = "wit.state_lost"

    STATUS_REVOKED = "status.revoked"
    STATUS_SUSPENDED = "status.suspended"
    STATUS_VALUE_UNKNOWN = "status.value_unknown"
    STATUS_LIST_MISSING = "status.list_missing"
    STATUS_LIST_STALE = "status.list_stale"
    STATUS_LIST_EXPIRED = "status.list_expired"
    STATUS_LIST_FUTURE = "status.list_future"
    STATUS_LIST_SIG_INVALID = "status.list_sig_invalid"
    STATUS_LIST_WRONG_ISSUER = "status.list_wrong_issuer"
    STATUS_LIST_URI_MISMATCH = "status.list_uri_mismatch"
    STATUS_LIST_MALFORMED = "status.list_malformed"
    STATUS_LIST_TOO_LARGE = "status.list_too_large"
    STATUS_LIST_ROLLBACK = "status.list_rollback"
    STATUS_INDEX_RANGE = "status.index_range"

    AUTH_MISSING = "auth.missing"
    AUTH_INVALID = "auth.invalid"

    AUTHZ_NOT_FOUND = "authz.not_found"
    AUTHZ_DENIED = "authz.denied"

    CONSENT_NOT_YET_VALID = "consent.not_yet_valid"
    CONSENT_EXPIRED = "consent.expired"
    CONSENT_REVOKED = "consent.revoked"
    CONSENT_EXHAUSTED = "consent.exhausted"
    CONSENT_AUDIENCE_MISMATCH = "consent.audience_mismatch"
    CONSENT_PURPOSE_MISMATCH = "consent.purpose_mismatch"
    CONSENT_FIELD_DENIED = "consent.field_denied"
    CONSENT_WINDOW_TOO_LONG = "consent.window_too_long"

    API_VALIDATION = "api.validation"
    API_BODY_TOO_LARGE = "api.body_too_large"
    API_MEDIA_TYPE = "api.media_type"
    API_RATE_LIMITED = "api.rate_limited"
    API_IDEMPOTENCY_CONFLICT = "api.idempotency_conflict"
    API_VERSION_CONFLICT = "api.version_conflict"

    CLI_KEY_PERMISSIONS = "cli.key_permissions"
    CLI_KEY_ENV_MISMATCH = "cli.key_env_mismatch"
    CLI_KEY_RETIRED = "cli.key_retired"
    CLI_KEY_MISMATCH = "cli.key_mismatch"
    CLI_DUAL_CONTROL = "cli.dual_control"
    CLI_DUPLICATE_ID = "cli.duplicate_id"
    CLI_BATCH_INVALID = "cli.batch_invalid"
    CLI_CLOCK_SUSPECT = "cli.clock_suspect"
    CLI_PATH_UNSAFE = "cli.path_unsafe"
    CLI_TEMPLATE_UNKNOWN_FIELD = "cli.template_unknown_field"

    STORE_NOT_DURABLE_MODE = "store.not_durable_mode"
    STORE_IO_ERROR = "store.io_error"
    STORE_FULL = "store.full"
    STORE_LOCKED = "store.locked"
    STORE_CORRUPT = "store.corrupt"
    STORE_HASH_MISMATCH = "store.hash_mismatch"
    STORE_SCHEMA_TAMPERED = "store.schema_tampered"
    STORE_ROLLBACK_DETECTED = "store.rollback_detected"
    STORE_FORK_DETECTED = "store.fork_detected"
    STORE_READONLY = "store.readonly"

    LOG_SUBTREE_UNKNOWN = "log.subtree_unknown"

    KEY_VOID_ENTRY = "key.void_entry"
    KEY_OUT_OF_RANGE = "key.out_of_range"

    STATUS_REPLACED = "status.replaced"

    PRES_SUBJECT_MISMATCH = "pres.subject_mismatch"
    PRES_REQUEST_MISMATCH = "pres.request_mismatch"

    ORG_UNREGISTERED = "org.unregistered"
    ORG_PURPOSE_NOT_ALLOWED = "org.purpose_not_allowed"

    POLICY_NOT_MET = "policy.not_met"
    POLICY_UNDETERMINED = "policy.undetermined"
    POLICY_DATA_TOO_OLD = "policy.data_too_old"
    POLICY_NOT_SETTLED = "policy.not_settled"
    POLICY_UNKNOWN = "policy.unknown"
    POLICY_RETIRED = "policy.retired"
    POLICY_MALFORMED = "policy.malformed"

    RECORDS_SCHEMA = "records.schema"
    RECORDS_MANIFEST = "records.manifest"
    RECORDS_UNMAPPED_CODE = "records.unmapped_code"
    RECORDS_CHECK_DIGIT = "records.check_digit"
    RECORDS_RULE = "records.rule"
    RECORDS_DUPLICATE = "records.duplicate"
    RECORDS_TOO_MANY_QUARANTINED = "records.too_many_quarantined"

    # Our own additions, where the shared catalogue has no word.
    CLI_USAGE = "cli.usage"
    CLI_EXISTS = "cli.exists"
    CLI_NOT_FOUND = "cli.not_found"
    CLI_EXTRA_MISSING = "cli.extra_missing"

    HOME_NOT_FOUND = "home.not_found"
    HOME_VERSION = "home.version"
    HOME_FAR_LEDGER = "home.far_ledger"

    STORE_RETIRED = "store.retired"

    KEY_MALFORMED = "key.malformed"
    KEY_PASSPHRASE = "key.passphrase"  # noqa: S105 - a reason code, not a secret

    WIT_UNREACHABLE = "wit.unreachable"
    LOG_UNREACHABLE = "log.unreachable"

    IMAGE_UNREADABLE = "image.unreadable"
    IMAGE_NO_CODE = "image.no_code"
    QR_TOO_LARGE = "qr.too_large"

    TRUST_MALFORMED = "trust.malformed"
    TRUST_MISSING = "trust.missing"

    PERSON_NOT_FOUND = "person.not_found"
    CERTIFICATE_NOT_FOUND = "certificate.not_found"

    NET_UNREACHABLE = "net.unreachable"
    PROOF_DIGEST_MISMATCH = "proof.digest_mismatch"
    PROOF_BUNDLE_MISMATCH = "proof.bundle_mismatch"
    PROOF_OUTCOME_DIFFERS = "proof.outcome_differs"
    PROOF_NOT_REPEATABLE = "proof.not_repeatable"

    ORG_LOOK_ALIKE = "org.look_alike"
    ORG_KEY_REPLACED = "org.key_replaced"
    ORG_SUSPENDED = "org.suspended"
    ORG_REMINDED = "org.reminded"

    HOOK_ADDRESS = "hook.address"

    TEMPLATE_UNKNOWN = "template.unknown"
    TEMPLATE_MALFORMED = "template.malformed"
    TEMPLATE_RETIRED = "template.retired"
    FORM_DIFFERS = "form.differs"


_CANNOT_TELL = frozenset(
    {
        Reason.KEY_UNKNOWN,
        Reason.TRUST_BUNDLE_STALE,
        Reason.TIME_CLOCK_REGRESSED,
        Reason.LOG_UNKNOWN_ORIGIN,
        Reason.CKPT_STALE,
        Reason.STATUS_LIST_MISSING,
        Reason.STATUS_LIST_STALE,
        Reason.STATUS_LIST_EXPIRED,
        Reason.STATUS_LIST_FUTURE,
        Reason.LOG_SUBTREE_UNKNOWN,
        Reason.POLICY_UNDETERMINED,
        Reason.POLICY_DATA_TOO_OLD,
        Reason.POLICY_NOT_SETTLED,
        Reason.POLICY_UNKNOWN,
        Reason.TRUST_MISSING,
        Reason.LOG_UNREACHABLE,
        Reason.NET_UNREACHABLE,
        Reason.PROOF_BUNDLE_MISMATCH,
        Reason.PROOF_NOT_REPEATABLE,
    }
)
_NOTE = frozenset(
    {
        Reason.SCHEMA_TEXT_CONFUSABLE,
        Reason.PRES_STATIC_COPY,
        Reason.CKPT_WITNESS_UNKNOWN,
    }
)


def verdict_of(reason: Reason) -> Verdict:
    """The verdict of a step that ends in `reason`. "No" and "cannot tell" never share a code."""
    if reason in _CANNOT_TELL:
        return Verdict.CANNOT_TELL
    return Verdict.NOTE if reason in _NOTE else Verdict.NO
