/** The words of reports and forms, by language. Written by `python -m tests.documents.web`. */

export const PHRASES = Object.freeze({
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
    "proof_stands": "核验证据成立：单位 {org} 于 {time} 得出同样的结果"
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
    "proof_stands": "The proof stands: organisation {org} came to the same result on {time}"
  }
});

export const STEP_OK = Object.freeze({
  "zh": {
    "1": "文字完整",
    "2": "格式正确",
    "3": "密钥属于名录中的机构，且有权为该地区出具此类证明",
    "4": "确由该机构签发，内容未被改动",
    "5": "已登记在公开账本，并由足够多的见证部门会签",
    "6": "登记时密钥有效，机构未声明作废",
    "7": "在有效期内",
    "8": "未被撤销、暂停或替换",
    "9": "所示内容与签发时一致",
    "10": "符合本次核验方式的要求",
    "11": "没有其他规则需要判断"
  },
  "en": {
    "1": "complete",
    "2": "well formed",
    "3": "belongs to an office of the directory that may certify this for this region",
    "4": "signed by that office, nothing was changed",
    "5": "stands in the public ledger, cosigned by enough witnesses",
    "6": "the key was good at that place, and the authority did not disown it",
    "7": "within its validity",
    "8": "not revoked, suspended or replaced",
    "9": "what is shown is what was signed",
    "10": "fits what was asked and how it is shown",
    "11": "no further rule was asked"
  }
});

export const FORM_WORDS = Object.freeze({
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
    "check": "核验方法：用核验程序扫描二维码；以屏幕显示的结果为准，本页文字仅供阅读。"
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
    "check": "To check: scan the code with a verifier; its screen counts, the text on this page is for reading."
  }
});
