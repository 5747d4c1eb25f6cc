"""The words of the browser's verifier, taken from those of the Python side; `tests.documents.web` writes the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from certificate.policy.months import Cause
from certificate.policy.wording import ANSWERS, finding_template
from certificate.texts import LANGUAGES, en, zh
from certificate.texts.reasons_en import REASONS_EN
from certificate.texts.reasons_zh import REASONS_ZH
from verifier.forms.words import FORM_WORDS
from verifier.sentences import OUTCOMES, PHRASES, STEP_OK, STEP_TITLES

__all__ = ["TEXT_FILES", "javascript"]

_ANSWER: Final = {True: "true", False: "false", None: "undetermined"}


def javascript(head: str, constants: Mapping[str, Any]) -> str:
    """A module of constants: one member of an object a line, so that a change reads as one."""
    parts = [f"/** {head} Written by `python -m tests.documents.web`. */\n"]
    for name, value in constants.items():
        text = json.dumps(value, ensure_ascii=False, indent=2)
        parts.append(f"\nexport const {name} = {text};\n")
    return "".join(parts)


def _texts() -> str:
    """What certificates and policies are told in."""
    return javascript(
        "Names of claims, branches, types and states, and the words of answers, by language.",
        {
            "KINDS": {"zh": zh.KINDS, "en": en.KINDS},
            "TYPES": {"zh": zh.TYPES, "en": en.TYPES},
            "STATES": {"zh": zh.STATES, "en": en.STATES},
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
            "OUTCOMES": OUTCOMES,
            "PHRASES": PHRASES,
            "STEP_TITLES": STEP_TITLES,
            "STEP_OK": STEP_OK,
            "FORM_WORDS": FORM_WORDS,
        },
    )


TEXT_FILES: Final = {"texts.js": _texts, "reason_texts.js": _reasons, "sentences.js": _sentences}
"""File name in `verifier/web/generated` to what writes it."""
