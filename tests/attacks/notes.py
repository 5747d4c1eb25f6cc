"""What the table of attacks cannot say by itself: what does not exist yet, and where we answer another code."""

from __future__ import annotations

from typing import Final

__all__ = ["DIFFERS", "NOT_YET"]

# Line: what cannot be attacked yet, the issue that brings it. A line may have tests for the rest of it.
NOT_YET: Final = {
    "A24": (
        "a second, post-quantum signature of a certificate: certificates stay Ed25519 (THREATS, decided 5)",
        "–",
    ),
}

# Line: the code of the list, why ours is another one. The format, or the order of the steps, decides.
DIFFERS: Final = {
    "A09": ("`key.unknown`", "a key id outside the signature is refused in step 2, before any key is looked up; "
            "a wrong one inside is unknown"),
    "A10": ("verify under each", "two keys with one key id are refused when the bundle is opened"),
    "A11": ("`key.unknown`", "our headers are a closed list: step 2 knows no header that could hold a key"),
    "A19": ("`time.not_yet_valid`", "a certificate has no start but its day of issue, and its end is a day"),
    "A22": ("`enc.number_range`", "35 digits are a bignum, which is a forbidden tag, as A32 has it"),
    "L04": ("`log.leaf_mismatch`", "a proof carries neither root nor leaf hash: both are recomputed, and what does not "
            "lead to a signed root is not included"),
    "L07": ("`log.leaf_mismatch`", "as L04"),
    "L10": ("`log.entry_type`", "the entry is computed as one of a certificate, so that another kind is not included"),
    "L15": ("`log.fork_detected`", "at the log itself the word is `store.fork_detected`"),
    "K06": ("`cli.duplicate_id`", "another content is another mint identity and so another certificate; a status place "
            "given twice is the duplicate"),
    "K08": ("`cli.template_unknown_field`", "a table with another header is `records.schema`"),
    "K09": ("`cli.path_unsafe`", "`--out` is the operator's own path and may be anywhere; an existing file is "
            "`cli.exists`"),
    "P07": ("parts", "one symbol holds a code; parts are the several presentations of one answer"),
    "P09": ("`pres.static_copy`", "a note of a valid report"),
    "P13": ("refuses to run", "`TypeError` in the library, usage (2) on the command line"),
    "P16": ("`pres.purpose_mismatch`", "the request's digest binds the purpose with all else: another request"),
    "P17": ("`pres.transcript_mismatch`", "the certificate with its disclosures is under the holder's signature"),
    "P19": ("`disc.unreferenced`", "hashes beside a wrong set do not fit; which claim is too many, nobody can tell"),
    "S03": ("`status.value_unknown`", "all four values of two bits have a meaning; a list of wider entries is refused "
            "as a whole"),
    "P21": ("`disc.reserved_name`", "claims have slot numbers and no names"),
}  # fmt: skip
