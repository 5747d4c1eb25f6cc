"""中文用词。"""

from __future__ import annotations

from typing import Final

__all__ = ["CLAIMS", "KINDS", "STATES", "STATUSES", "TYPES"]

KINDS: Final = {
    "pension.emp": "企业职工基本养老保险",
    "pension.civ": "机关事业单位养老保险",
    "pension.res": "城乡居民养老保险",
    "annuity.occ": "职业年金",
    "unemp": "失业保险",
    "medical.emp": "职工医疗保险",
    "medical.res": "城乡居民医疗保险",
    "injury": "工伤保险",
    "maternity": "生育保险",
}
TYPES: Final = {1: "参保缴费证明", 2: "单位参保证明", 3: "参保凭证", 4: "待遇资格认证"}
STATES: Final = {0: "未缴", 1: "正常", 2: "补缴", 3: "其他计入"}
STATUSES: Final = {1: "参保缴费", 2: "暂停缴费", 3: "终止参保"}
CLAIMS: Final = {
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
    "headcount": "参保人数",
}
