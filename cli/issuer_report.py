"""`tally issuer report`: the supervisor's figures, in Chinese or English; nobody's data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from certificate.directory import DirectoryKey
from certificate.texts import Language
from cli.common import emit, json_option, language_option
from cli.home import home_options, open_home
from cli.progress import progress
from issuer.casework.report import CaseLine, OverAsking, Report, make_report

__all__ = ["report"]

_WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh": {
        "mints": "签发：机构、月份、份数（其中纸质）",
        "states": "现状",
        "cases": "处置",
        "operators": "经办人",
        "keys": "密钥（适用的账本位置）",
        "events": "账本中的密钥事件：{count}",
        "asking": "授权超出所需的单位：{count}（共 {all} 家）",
        "beyond": "可问 {allowed} 项，所用问题只需 {needed} 项；多出：{beyond}",
        "identity": "其中身份信息：{names}",
        "revoked": "撤销", "suspended": "暂停", "replaced": "已换新",
        "revoke": "撤销", "suspend": "暂停", "resume": "恢复", "replace": "换新",
        "opened": "{by} 提出", "approved": "{by} 批准", "call": "本人要求", "waits": "待批准",
        "unsigned": "【签名与登记不符】", "ended": "已停用", "acts": "在岗", "of": "{changed}/{count} 份",
        "void": "自 {at} 起作废", "none": "无",
        "identity_group": "身份", "strip": "逐月", "summary": "汇总", "employer": "单位", "answer": "答案",
        "paper": "纸质",
    },
    "en": {
        "mints": "Minted: office, month, certificates (on paper)",
        "states": "Ended so far",
        "cases": "Cases",
        "operators": "Operators",
        "keys": "Keys (positions of the log where they count)",
        "events": "Key events in the log: {count}",
        "asking": "Organisations that may ask more than they need: {count} of {all}",
        "beyond": "may ask {allowed} claims, its questions need {needed}; beyond: {beyond}",
        "identity": "of these, who somebody is: {names}",
        "revoked": "revoked", "suspended": "suspended", "replaced": "replaced",
        "revoke": "revoke", "suspend": "suspend", "resume": "resume", "replace": "replace",
        "opened": "opened by {by}", "approved": "approved by {by}", "call": "at the citizen's call",
        "waits": "waits for approval", "unsigned": "[NOT WHAT WAS SIGNED]", "ended": "ended", "acts": "may act",
        "of": "{changed} of {count} certificates", "void": "void from {at}", "none": "none",
        "identity_group": "identity", "strip": "months", "summary": "summary", "employer": "employer",
        "answer": "answers", "paper": "paper",
    },
}  # fmt: skip


@click.command()
@home_options
@language_option
@json_option
def report(home_path: Path, passphrase_fd: int | None, language: Language, as_json: bool) -> None:
    """The figures for a supervisor: mints per office and month, cases with who approved them and why, keys,
    organisations that may ask more than their policies need. It names no citizen.

    Example: tally issuer report --lang zh --home home
    """
    with progress("counting") as advance:
        made = make_report(open_home(home_path, passphrase_fd), progress=advance)
    emit(_as_json(made), "\n".join(_lines(made, language)), as_json=as_json)


def _as_json(made: Report) -> dict[str, Any]:
    names = {office.number: office for office in made.offices}
    return {
        "mints": [
            {
                "office": one.office,
                "code": names[one.office].code if one.office in names else None,
                "month": one.month,
                "certificates": one.certificates,
                "paper": one.paper,
            }
            for one in made.mints
        ],
        "states": {state.name.lower(): count for state, count in made.states.items()},
        "cases": [_case_json(line) for line in made.cases],
        "operators": [
            {"operator": one.name, "added_at": one.added_at, "ended_at": one.ended_at}
            for one in made.operators
        ],
        "keys": [
            {
                "role": key.role.name.lower(),
                "office": key.office,
                "key_id": key.kid.hex(),
                "log": key.log,
                "from": key.from_index,
                "to": key.to_index,
                "void_from": key.void_from,
            }
            for key in made.keys
        ],
        "key_events": made.key_events,
        "organisations": made.organisations,
        "over_asking": [
            {
                "org": one.org,
                "name_zh": one.name_zh,
                "name_en": one.name_en,
                "suspended": one.suspended,
                "allowed": one.allowed,
                "needed": one.needed,
                "beyond": dict(one.beyond),
                "identity": list(one.identity),
            }
            for one in made.over_asking
        ],
    }


def _case_json(line: CaseLine) -> dict[str, Any]:
    case = line.case
    return {
        "case": case.id,
        "action": case.action.name.lower(),
        "certificates": case.count,
        "changed": case.changed,
        "reason": case.reason,
        "citizen_call": case.citizen_call,
        "opened_by": case.opened_by,
        "opened_at": case.opened_at,
        "approved_by": case.approved_by,
        "executed_at": case.executed_at,
        "as_signed": line.as_signed,
    }


def _lines(made: Report, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    names = {office.number: office.name_zh if language == "zh" else office.name_en for office in made.offices}
    yield words["mints"]
    for one in made.mints:
        yield f"  {names.get(one.office, one.office)}  {one.month}  {one.certificates:,} ({one.paper:,})"
    yield words["states"]
    for state, count in made.states.items():
        yield f"  {words[state.name.lower()]}  {count:,}"
    yield words["cases"]
    yield from (_case_line(line, words) for line in made.cases)
    yield words["operators"]
    for operator in made.operators:
        standing = words["acts" if operator.ended_at is None else "ended"]
        yield f"  {operator.name}  {_day(operator.added_at)}  {standing}"
    yield words["keys"]
    yield from (_key_line(key, names, words) for key in made.keys)
    yield words["events"].format(count=made.key_events)
    yield words["asking"].format(count=len(made.over_asking), all=made.organisations)
    for asking in made.over_asking:
        yield from _asking_lines(asking, language)


def _case_line(line: CaseLine, words: dict[str, str]) -> str:
    case = line.case
    if case.executed_at is None:
        standing = words["waits"]
    elif case.approved_by is None:
        standing = f"{words['call']} {_day(case.executed_at)}"
    else:
        standing = f"{words['approved'].format(by=case.approved_by)} {_day(case.executed_at)}"
    how_many = words["of"].format(changed=case.changed or 0, count=case.count)
    opened = f"{words['opened'].format(by=case.opened_by)} {_day(case.opened_at)}"
    parts = [f"  {case.id}", words[case.action.name.lower()], how_many, opened, standing, case.reason]
    return "  ".join(parts if line.as_signed else [*parts, words["unsigned"]])


def _key_line(key: DirectoryKey, names: dict[int, str], words: dict[str, str]) -> str:
    void = "" if key.void_from is None else f"  {words['void'].format(at=key.void_from)}"
    to = "" if key.to_index is None else key.to_index
    office, role = names.get(key.office, key.office), key.role.name.lower()
    return f"  {office}  {role}  {key.kid.hex()}  [{key.from_index}, {to}){void}"


def _asking_lines(asking: OverAsking, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    name = asking.name_zh if language == "zh" else asking.name_en
    groups = [
        f"{words['identity_group' if group == 'identity' else group]} {count}"
        for group, count in asking.beyond.items()
    ]
    told = words["beyond"].format(allowed=asking.allowed, needed=asking.needed, beyond=", ".join(groups))
    yield f"  {asking.org}  {name}: {told}"
    if asking.identity:
        yield f"      {words['identity'].format(names=', '.join(asking.identity))}"


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
