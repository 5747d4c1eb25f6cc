"""The words of a filled form that its template does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from certificate.texts import Language

__all__ = ["FORM_WORDS"]

FORM_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {
        "purpose": "用途",
        "legal_basis": "法律依据",
        "field": "项目",
        "value": "内容",
        "origin": "来源",
        "from_claim": "证明 {number} 中的 {name}",
        "from_field": "证明 {number} 的签名内容 {name}",
        "from_policy": "由所出示的内容按规则 {name}（第 {version} 版）算出",
        "missing": "未出示（作答不需要，或证明中没有）",
        "no_answer": "纸质证明不回答问题",
        "covered": "核验所及：证明 {number}，仅限 {authority} 的记录",
        "not_covered": "核验不及：签名与日期，由申请人手写",
        "signature": "申请人签名：                                        日期：",
        "check": "核验方法：用核验程序扫描二维码；以屏幕显示的结果为准，本页文字仅供阅读。",
    },
    "en": {
        "purpose": "Purpose",
        "legal_basis": "Legal basis",
        "field": "Field",
        "value": "Content",
        "origin": "From",
        "from_claim": "{name} in certificate {number}",
        "from_field": "{name}, signed, of certificate {number}",
        "from_policy": "computed from what is shown by rule {name}, version {version}",
        "missing": "not shown (not needed for the answer, or not in the certificate)",
        "no_answer": "paper answers no question",
        "covered": "Covered by the verification: certificate {number}, the records of {authority} alone",
        "not_covered": "Not covered: signature and date, written by the applicant's hand",
        "signature": "Signature:                                        Date:",
        "check": "To check: scan the code with a verifier; its screen counts, the text on this page is for reading.",
    },
}
