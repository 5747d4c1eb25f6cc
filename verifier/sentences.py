"""The report's own words in both languages. Sentences for reasons stand in `certificate.texts`."""

from __future__ import annotations

from collections.abc import Mapping

from certificate.slot_tree import Disclosure
from certificate.slots import Claim
from certificate.texts import Language, at_least_text, format_value
from verifier.report import STEP_NAMES, Outcome, Report

__all__ = ["OUTCOMES", "PHRASES", "STEP_OK", "STEP_TITLES", "disclosed_text"]


def disclosed_text(report: Report, disclosure: Disclosure, claim: Claim, language: Language) -> str:
    """A shown claim's value for people; of a threshold commitment, what was shown of it."""
    for opening in report.openings:
        if opening.slot == disclosure.slot:
            return at_least_text(opening.at_least, language)
    return format_value(claim, disclosure.value, language)


OUTCOMES: Mapping[Language, Mapping[Outcome, str]] = {
    "zh": {
        Outcome.VALID: "有效",
        Outcome.INVALID: "无效：请勿采信",
        Outcome.UNDETERMINED: "暂时无法判断：这不等于无效",
    },
    "en": {
        Outcome.VALID: "VALID",
        Outcome.INVALID: "INVALID: do not rely on it",
        Outcome.UNDETERMINED: "CANNOT TELL YET: this does not mean it is false",
    },
}

PHRASES: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "number": "编号",
        "issuer": "出具机构",
        "region": "参保地区",
        "cut_off": "数据截至",
        "expires": "有效期至",
        "legal_basis": "依据",
        "policy": "规则",
        "only_this_authority": "仅反映{authority}的参保记录，不含其他地区",
        "presented_proxy": "由代办人出示，不是本人",
        "presented_guardian": "由监护人出示，不是本人",
        "not_run": "未检查：前面的步骤未通过",
        "proof_stands": "核验证据成立：单位 {org} 于 {time} 得出同样的结果",
    },
    "en": {
        "number": "no.",
        "issuer": "issued by",
        "region": "region",
        "cut_off": "data up to",
        "expires": "valid until",
        "legal_basis": "legal basis",
        "policy": "policy",
        "only_this_authority": "only the records of {authority}; months elsewhere are not in it",
        "presented_proxy": "presented by a proxy, not by the person it is about",
        "presented_guardian": "presented by a guardian, not by the person it is about",
        "not_run": "not checked, because an earlier step did not pass",
        "proof_stands": "The proof stands: organisation {org} came to the same result on {time}",
    },
}

STEP_TITLES: Mapping[Language, Mapping[int, str]] = {
    "zh": {
        1: "文本",
        2: "结构",
        3: "签发密钥",
        4: "机构签名",
        5: "账本",
        6: "账本位置",
        7: "时间",
        8: "状态",
        9: "披露内容",
        10: "持有人与请求",
        11: "规则",
    },
    "en": STEP_NAMES,
}

STEP_OK: Mapping[Language, Mapping[int, str]] = {
    "zh": {
        1: "文字完整",
        2: "格式正确",
        3: "密钥属于名录中的机构，且有权为该地区出具此类证明",
        4: "确由该机构签发，内容未被改动",
        5: "已登记在公开账本，并由足够多的见证部门会签",
        6: "登记时密钥有效，机构未声明作废",
        7: "在有效期内",
        8: "未被撤销、暂停或替换",
        9: "所示内容与签发时一致",
        10: "符合本次核验方式的要求",
        11: "没有其他规则需要判断",
    },
    "en": {
        1: "complete",
        2: "well formed",
        3: "belongs to an office of the directory that may certify this for this region",
        4: "signed by that office, nothing was changed",
        5: "stands in the public ledger, cosigned by enough witnesses",
        6: "the key was good at that place, and the authority did not disown it",
        7: "within its validity",
        8: "not revoked, suspended or replaced",
        9: "what is shown is what was signed",
        10: "fits what was asked and how it is shown",
        11: "no further rule was asked",
    },
}
