"""The words of the browser's verifier, taken from those of the Python side, and the keys that vectors print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from certificate.policy.months import Cause
from certificate.policy.wording import ANSWERS, finding_template
from certificate.texts import LANGUAGES, en, zh
from certificate.texts.reasons_en import REASONS_EN
from certificate.texts.reasons_zh import REASONS_ZH
from tests.documents.printed_keys import printed_keys
from verifier.forms.words import FORM_WORDS
from verifier.sentences import PHRASES, STEP_OK

__all__ = ["TEXT_FILES", "javascript"]


_ANSWER: Final = {True: "true", False: "false", None: "undetermined"}


def javascript(head: str, constants: Mapping[str, Any]) -> str:
    """A module of constants: one member of an object a line, so that a change reads as one."""
    parts = [f"/** {head} Written by `python -m tests.documents.web`. */\n"]
    for name, value in constants.items():
        text = json.dumps(value, ensure_ascii=False, indent=2)
        parts.append(f"\nexport const {name} = Object.freeze({text});\n")
    return "".join(parts)


def _texts() -> str:
    """What certificates and policies are told in."""
    return javascript(
        "Names of claims, branches and statuses, and the words of answers, by language.",
        {
            "KINDS": {"zh": zh.KINDS, "en": en.KINDS},
            "STATUSES": {"zh": zh.STATUSES, "en": en.STATUSES},
            "CLAIMS": {"zh": zh.CLAIMS, "en": en.CLAIMS},
            "ANSWER_WORDS": {
                language: {_ANSWER[value]: word for value, word in words.items()}
                for language, words in ANSWERS.items()
            },
            "FINDING_WORDS": {
                language: {cause.value: finding_template(cause, language) for cause in Cause}
                for language in LANGUAGES
            },
        },
    )


def _reasons() -> str:
    return javascript(
        "A sentence per reason code, by language.", {"REASON_TEXTS": {"zh": REASONS_ZH, "en": REASONS_EN}}
    )


def _sentences() -> str:
    """The words of reports and forms."""
    return javascript(
        "The words of reports and forms, by language.",
        {
            "PHRASES": PHRASES,
            "STEP_OK": STEP_OK,
            "FORM_WORDS": FORM_WORDS,
        },
    )


def _printed_keys() -> str:
    keys = sorted(sha256(key).hexdigest()[:16] for key in printed_keys())
    return javascript("First 8 bytes of the SHA-256 of keys that test vectors print.", {"PRINTED_KEYS": keys})


TEXT_FILES: Final = {
    "texts.js": _texts,
    "reason_texts.js": _reasons,
    "sentences.js": _sentences,
    "printed_keys.js": _printed_keys,
}
"""File name to what gives its content."""
