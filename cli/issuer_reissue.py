"""`tally issuer mint --reissue-void`: what fell with a stolen key, minted again; and who needs new paper."""

from __future__ import annotations

import json
from typing import Any

from cli.common import emit, utc_now, write_new_file
from cli.home import opened_ledger
from cli.progress import progress
from issuer.home import Home
from issuer.reissue import reissue_void

__all__ = ["emit_reissue"]

_LISTED = 1000  # above this many, a file holds them


def emit_reissue(home: Home, *, as_json: bool) -> None:
    """Mint again what fell, and print the replacements; those on paper apart, since nobody fetches them."""
    with opened_ledger(home) as ledger, progress("minting") as advance:
        done = reissue_void(home, ledger, now=int(utc_now().timestamp()), progress=advance)
    rows = [
        {
            "fallen": one.fallen,
            "number": one.number,
            "person_no": one.person_no,
            "paper": one.is_paper,
            "new": one.is_new,
        }
        for one in done.replacements
    ]
    paper = [row for row in rows if row["paper"]]
    result: dict[str, Any] = {
        "minted": done.minted,
        "already": done.already,
        "left": done.left,
        "paper": len(paper),
    }
    if len(rows) > _LISTED:
        path = home.path / "last-reissue.json"
        write_new_file(path, json.dumps(rows).encode(), force=True)
        result["file"] = str(path)
    else:
        result["certificates"] = rows
    text = f"{done.minted:,} minted in the place of what fell, {done.already:,} were there, {done.left:,} had ended"
    text += f"; {len(paper):,} on paper"
    if len(rows) <= _LISTED:
        text += "".join(f"\n  {row['person_no']}  paper {row['fallen']} -> {row['number']}" for row in paper)
    emit(result, text, as_json=as_json)
