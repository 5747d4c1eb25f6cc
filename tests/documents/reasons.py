"""Writes docs/reasons.md: every reason with its verdict and its sentence in both languages.

python -m tests.documents.reasons > docs/reasons.md
"""

from __future__ import annotations

from certificate.texts import reason_text
from ledger.reasons import Reason, verdict_of

__all__ = ["render"]

_HEAD = """# Reasons

A refusal names one of these codes. *no*: the step fails, the whole is invalid. *cannot tell*: it cannot be decided with
what is at hand; this is never a no. *note*: accepted, and the report says so. The sentences are those people see.

| code | verdict | 中文 | English |
| --- | --- | --- | --- |
"""


def render() -> str:
    """The whole page."""
    rows = [
        f"| `{reason.value}` | {verdict_of(reason).value.replace('_', ' ')} | {reason_text(reason, 'zh')} "
        f"| {reason_text(reason, 'en')} |"
        for reason in Reason
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(render(), end="")
