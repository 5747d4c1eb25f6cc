/** Names of claims, branches and statuses, and the words of answers, by language. Written by `python -m tests.documents.web`. */

export const KINDS = Object.freeze({
  "zh": {
    "pension.emp": "企业职工基本养老保险",
    "pension.civ": "机关事业单位养老保险",
    "pension.res": "城乡居民养老保险",
    "annuity.occ": "职业年金",
    "unemp": "失业保险",
    "medical.emp": "职工医疗保险",
    "medical.res": "城乡居民医疗保险",
    "injury": "工伤保险",
    "maternity": "生育保险"
  },
  "en": {
    "pension.emp": "employee pension",
    "pension.civ": "civil-service pension",
    "pension.res": "resident pension",
    "annuity.occ": "occupational annuity",
    "unemp": "unemployment",
    "medical.emp": "employee medical",
    "medical.res": "resident medical",
    "injury": "work injury",
    "maternity": "maternity"
  }
});

export const STATUSES = Object.freeze({
  "zh": {
    "1": "参保缴费",
    "2": "暂停缴费",
    "3": "终止参保"
  },
  "en": {
    "1": "paying",
    "2": "paused",
    "3": "ended"
  }
});

export const CLAIMS = Object.freeze({
  "zh": {
    "name": "姓名",
    "id_tail": "证件号码后四位",
    "for.audience": "仅供",
    "for.purpose": "办理",
    "id_no": "证件号码",
    "id_type": "证件类型",
    "birth_date": "出生日期",
    "proxy": "代办人",
    "settled": "数据完整至",
    "strip": "逐月缴费",
    "status": "参保状态",
    "first": "首次缴费月",
    "last": "最近缴费月",
    "months": "累计缴费月数",
    "deemed": "视同缴费月数",
    "moved": "转入月数",
    "run": "连续缴费月数",
    "back": "补缴月数",
    "base": "最近月缴费基数",
    "base_avg12": "近十二个月平均缴费基数",
    "paid_total": "个人缴费累计",
    "ge.total": "累计月数门槛证明",
    "ge.run": "连续月数门槛证明",
    "employer": "当前缴费单位",
    "balance.pension": "养老保险个人账户余额",
    "spells": "参保经历",
    "pol": "规则结论",
    "employer_name": "单位名称",
    "employer_uscc": "统一社会信用代码",
    "headcount": "参保人数"
  },
  "en": {
    "name": "name",
    "id_tail": "last four of the ID",
    "for.audience": "valid only for",
    "for.purpose": "to be used for",
    "id_no": "ID number",
    "id_type": "kind of ID",
    "birth_date": "date of birth",
    "proxy": "proxy",
    "settled": "complete up to",
    "strip": "month by month",
    "status": "status",
    "first": "first month paid",
    "last": "last month paid",
    "months": "months paid",
    "deemed": "deemed months",
    "moved": "months moved in",
    "run": "months in a row",
    "back": "months back-paid",
    "base": "wage base of the last month",
    "base_avg12": "mean wage base of the last twelve months",
    "paid_total": "paid by the person in all",
    "ge.total": "threshold proof of total months",
    "ge.run": "threshold proof of consecutive months",
    "employer": "current payer",
    "balance.pension": "pension account balance",
    "spells": "spell of employment",
    "pol": "answer to a rule",
    "employer_name": "employer",
    "employer_uscc": "organisation code",
    "headcount": "people insured"
  }
});

export const ANSWER_WORDS = Object.freeze({
  "zh": {
    "true": "符合",
    "false": "不符合",
    "undetermined": "无法判断"
  },
  "en": {
    "true": "met",
    "false": "not met",
    "undetermined": "cannot tell"
  }
});

export const FINDING_WORDS = Object.freeze({
  "zh": {
    "gap": "{kind} {months}：没有缴费",
    "back_paid": "{kind} {months}：为补缴，本规则不计或超出允许的月数",
    "otherwise": "{kind} {months}：为视同、转移或免缴月份，本规则不计",
    "elsewhere": "{kind} {months}：此处没有缴费；如在别处缴过，请一并出示那里的证明",
    "not_settled": "{kind} {months}：尚未入账，不是断缴；请过些天重新领取证明",
    "after_cut_off": "{kind} {months}：晚于证明的数据截止月；请领取更新的证明后再问",
    "not_shown": "{kind} {months}：没有出示所需内容",
    "posted_later": "{kind} {months}：无法看出是否在规定日期前到账",
    "no_employer_shown": "{months}：没有出示由哪个单位缴费",
    "yearly": "{kind}按年缴费，不能回答按月的规则",
    "other_employer": "{months}：不是所问的单位缴费",
    "too_few": "{kind}共 {have} 个月，需要 {need} 个月",
    "status": "{kind}的缴费状态不是所要求的状态",
    "low": "{kind}的月均缴费基数低于所要求的数额",
    "too_old": "数据截至 {months}，已过 {have} 个月，最多允许 {need} 个月；请领取新的证明",
    "other_region": "所出示的证明不属于本规则所问的地区",
    "not_valid": "该规则今天不在有效期内"
  },
  "en": {
    "gap": "{kind} {months}: not paid",
    "back_paid": "{kind} {months}: back-paid; this rule does not count it, or not so many",
    "otherwise": "{kind} {months}: recognised, transferred or exempt; this rule does not count it",
    "elsewhere": "{kind} {months}: not paid here; if it was paid elsewhere, show that certificate too",
    "not_settled": "{kind} {months}: not posted yet, which is no gap; claim again in some days",
    "after_cut_off": "{kind} {months}: later than the certificate's data; ask again with a newer certificate",
    "not_shown": "{kind} {months}: what is needed was not shown",
    "posted_later": "{kind} {months}: whether it arrived by the day that the rule names cannot be seen",
    "no_employer_shown": "{months}: which employer paid was not shown",
    "yearly": "{kind} is paid by the year and cannot answer a rule about months",
    "other_employer": "{months}: not paid by the employer that is asked about",
    "too_few": "{kind}: {have} months, {need} are needed",
    "status": "{kind}: the payment status is not the one asked for",
    "low": "{kind}: the mean wage base is lower than asked for",
    "too_old": "data up to {months}, {have} months ago; {need} are allowed: claim a newer certificate",
    "other_region": "what was shown is not of the region that the rule asks about",
    "not_valid": "the rule is not in force today"
  }
});
