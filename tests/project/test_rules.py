"""House rules that tools do not check."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_no_citizen_number_of_a_real_region_stands_in_the_project() -> None:
    """18 digits that pass GB 11643 and do not begin with the test prefix 99."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    pattern = re.compile(
        r"(?<![0-9A-Za-z])[1-8][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}[0-9X](?![0-9A-Za-z])"
    )
    found = []
    for path in tracked():
        if path.parts[len(ROOT.parts)] == "tests" and "vectors" in path.parts:
            continue
        for match in pattern.findall(path.read_text("utf-8", errors="ignore")):
            total = sum(int(digit) * weight for digit, weight in zip(match[:17], weights, strict=True))
            if "10X98765432"[total % 11] == match[17]:
                found.append((path.name, match))
    assert found == []


def test_requirements_hold_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text("utf-8")
    assert "://" not in text
    assert "index" not in text
    blocks = re.split(r"(?m)^(?=[a-z])", text)[1:]
    assert len(blocks) > 40
    assert all("--hash=sha256:" in block for block in blocks)


def test_files_stay_of_readable_size() -> None:
    large = {
        str(path.relative_to(ROOT)): count
        for path in tracked()
        if path.suffix == ".py" and (count := len(path.read_text("utf-8").splitlines())) > 600
    }
    assert large == {}, "look for the seam"
