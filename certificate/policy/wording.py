"""What an answer rests on, in sentences a person can act on, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from certificate.policy.evaluate import Answer
from certificate.policy.language import month_text
from certificate.policy.months import Cause, Finding
from certificate.texts import Language, kind_name

__all__ = ["ANSWERS", "answer_word", "finding_sentences", "finding_template"]

ANSWERS: Final[Mapping[Language, Mapping[bool | None, str]]] = {
    "zh": {True: "符合", False: "不符合", None: "无法判断"},
    "en": {True: "met", False: "not met", None: "cannot tell"},
}
_WORDS: Final[Mapping[Language, Mapping[Cause, str]]] = {
    "zh": {
        Cause.GAP: "{kind} {months}：没有缴费",
        Cause.BACK_PAID: "{kind} {months}：为补缴，本规则不计或超出允许的月数",
        Cause.OTHERWISE: "{kind} {months}：为视同、转移或免缴月份，本规则不计",
        Cause.ELSEWHERE: "{kind} {months}：此处没有缴费；如在别处缴过，请一并出示那里的证明",
        Cause.NOT_SETTLED: "{kind} {months}：尚未入账，不是断缴；请过些天重新领取证明",
        Cause.AFTER_CUT_OFF: "{kind} {months}：晚于证明的数据截止月；请领取更新的证明后再问",
        Cause.NOT_SHOWN: "{kind} {months}：没有出示所需内容",
        Cause.POSTED_LATER: "{kind} {months}：无法看出是否在规定日期前到账",
        Cause.NO_EMPLOYER_SHOWN: "{months}：没有出示由哪个单位缴费",
        Cause.YEARLY: "{kind}按年缴费，不能回答按月的规则",
        Cause.OTHER_EMPLOYER: "{months}：不是所问的单位缴费",
        Cause.TOO_FEW: "{kind}共 {have} 个月，需要 {need} 个月",
        Cause.STATUS: "{kind}的缴费状态不是所要求的状态",
        Cause.LOW: "{kind}的月均缴费基数低于所要求的数额",
        Cause.TOO_OLD: "数据截至 {months}，已过 {have} 个月，最多允许 {need} 个月；请领取新的证明",
        Cause.OTHER_REGION: "所出示的证明不属于本规则所问的地区",
        Cause.NOT_VALID: "该规则今天不在有效期内",
    },
    "en": {
        Cause.GAP: "{kind} {months}: not paid",
        Cause.BACK_PAID: "{kind} {months}: back-paid; this rule does not count it, or not so many",
        Cause.OTHERWISE: "{kind} {months}: recognised, transferred or exempt; this rule does not count it",
        Cause.ELSEWHERE: "{kind} {months}: not paid here; if it was paid elsewhere, show that certificate too",
        Cause.NOT_SETTLED: "{kind} {months}: not posted yet, which is no gap; claim again in some days",
        Cause.AFTER_CUT_OFF: "{kind} {months}: later than the certificate's data; ask again with a newer certificate",
        Cause.NOT_SHOWN: "{kind} {months}: what is needed was not shown",
        Cause.POSTED_LATER: "{kind} {months}: whether it arrived by the day that the rule names cannot be seen",
        Cause.NO_EMPLOYER_SHOWN: "{months}: which employer paid was not shown",
        Cause.YEARLY: "{kind} is paid by the year and cannot answer a rule about months",
        Cause.OTHER_EMPLOYER: "{months}: not paid by the employer that is asked about",
        Cause.TOO_FEW: "{kind}: {have} months, {need} are needed",
        Cause.STATUS: "{kind}: the payment status is not the one asked for",
        Cause.LOW: "{kind}: the mean wage base is lower than asked for",
        Cause.TOO_OLD: "data up to {months}, {have} months ago; {need} are allowed: claim a newer certificate",
        Cause.OTHER_REGION: "what was shown is not of the region that the rule asks about",
        Cause.NOT_VALID: "the rule is not in force today",
    },
}


def answer_word(value: bool | None, language: Language) -> str:
    """Met, not met, or cannot tell."""
    return ANSWERS[language][value]


def finding_template(cause: Cause, language: Language) -> str:
    """The sentence of a cause, with {kind}, {months}, {need} and {have} in it."""
    return _WORDS[language][cause]


def finding_sentences(answer: Answer, language: Language) -> list[str]:
    """One sentence per cause and kind, its months together."""
    groups: dict[tuple[Cause, str], list[Finding]] = {}
    for finding in answer.findings:
        groups.setdefault((finding.cause, finding.kind), []).append(finding)
    return [_sentence(cause, kind, found, language) for (cause, kind), found in groups.items()]


def _sentence(cause: Cause, kind: str, found: Sequence[Finding], language: Language) -> str:
    months = sorted({finding.month for finding in found if finding.month is not None})
    stop = "、" if language == "zh" else ", "
    first = found[0]
    text = finding_template(cause, language).format(
        kind=kind_name(kind, language) if kind else "",
        months=stop.join(map(month_text, months)),
        need=first.need,
        have=first.have,
    )
    return " ".join(text.split()).replace(" ：", "：").replace(" :", ":").lstrip("：: ")
