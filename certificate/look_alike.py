"""Names that people would take for one another: both have one skeleton.

After Unicode Technical Standard 39, section 4, with its table of confusable characters closed under "looks like", so
that 0, O and o, or 1, l, I and i, are one; and with Han characters that differ by a stroke.
Needs the package `confusable-homoglyphs`. A skeleton is for comparing and is never shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

from confusable_homoglyphs import confusables

__all__ = ["name_skeleton"]

# Told apart by the length or place of one stroke; the standard's table lists few of them.
_HAN: Final = (
    "己已巳 未末 土士 日曰 人入八 大太犬 天夭 干千于 王玉主 白自 田由甲申 目且 贝见 刀力刁 "
    "九丸 戊戌戍戎 侯候 辨辩辫 免兔 今令 晴睛 析折拆 汩汨 茶荼 灸炙 市巿 治冶 沈沉 "
    "延廷 祟崇 亨享 宜宣 券卷 徒徙 瓜爪 斤斥 乌鸟 口囗 工エ 万方 北比 木术本 "
    "赢羸嬴 壶壸 母毋 柿杮 洒酒 哀衰衷 胃冒 栗粟 密蜜 遣遗 侍待 历厉 厂广 风凤 "
    "银锒 校枚 行衍"
)
# General categories: marks, invisible characters, spaces, punctuation, symbols.
_PASSED_OVER: Final = "MCZPS"


def name_skeleton(name: str) -> str:
    """The skeleton of `name`; two names with one skeleton look alike. Spaces, marks and punctuation do not count."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    letters = (letter for letter in text if unicodedata.category(letter)[0] not in _PASSED_OVER)
    # A capital may look like a capital of another script, its small letter like nothing: hence once before, once after.
    table = _prototypes()
    folded = "".join(table.get(letter, letter) for letter in letters).casefold()
    alike = "".join(table.get(letter, letter) for letter in folded).casefold()
    return alike.replace("i", "l").replace("rn", "m").replace("vv", "w")


@cache
def _prototypes() -> dict[str, str]:
    """Each character that looks like another, with the one that stands for all of them."""
    classes = _Classes()
    for character, others in confusables.confusables_data.items():
        bare = [_bare(character), *(_bare(other["c"]) for other in others)]
        classes.join([letter for letter in bare if len(letter) == 1])
    for group in _HAN.split():
        classes.join(group)
    return classes.prototypes()


class _Classes:
    """Disjoint sets of characters."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, letters: Sequence[str]) -> None:
        roots = sorted({self._root(letter) for letter in letters}, key=_rank)
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def prototypes(self) -> dict[str, str]:
        return {letter: root for letter in self._parent if (root := self._root(letter)) != letter}

    def _root(self, letter: str) -> str:
        self._parent.setdefault(letter, letter)
        while self._parent[letter] != letter:
            letter = self._parent[letter]
        return letter


def _rank(letter: str) -> tuple[bool, bool, str]:
    """Which of a class stands for it: a Latin letter before other letters, letters before signs."""
    return not (letter.isascii() and letter.isalpha()), not letter.isalpha(), letter


def _bare(text: str) -> str:
    return text.replace("\u200e", "")  # the table's own left-to-right marks
