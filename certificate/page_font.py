"""The font of printed pages: Noto Sans SC (SIL Open Font License), cut down to the characters of one page.

A printer or a scanner's computer may have no Chinese font, so the page carries its own. Noto Sans SC has the 30,000
characters of everyday and rare names; the font file comes from a package, is read here only, and is not ours.
"""

from __future__ import annotations

import io
from hashlib import sha256
from importlib.resources import files

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from ledger.errors import FormatError
from ledger.reasons import Reason

__all__ = ["page_font", "register_page_font"]

_PACKAGE = "justmytype_intl_cjk"
_FILE = "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"
_WEIGHT = 400


def page_font(text: str, *, name: str) -> bytes:
    """A TrueType font of regular weight that holds the characters of `text` and is called `name`.

    Raises:
        FormatError: `schema.text_forbidden_char` for a character that the font does not have; printing an empty box in
            a name would be worse than saying so.
    """
    out = io.BytesIO()
    with TTFont(io.BytesIO((files(_PACKAGE) / _FILE).read_bytes()), lazy=True) as font:
        missing = {character for character in text if ord(character) not in font.getBestCmap()} - {"\n"}
        if missing:
            codes = ", ".join(f"U+{ord(character):04X}" for character in sorted(missing))
            raise FormatError(Reason.SCHEMA_TEXT_FORBIDDEN_CHAR, f"the page's font lacks {codes}")
        options = Options(layout_features=[], notdef_outline=True, glyph_names=False)
        subsetter = Subsetter(options)
        subsetter.populate(text=text)
        subsetter.subset(font)
        regular = instantiateVariableFont(font, {"wght": _WEIGHT})
        for name_id in (1, 4, 6):  # family, full name, PostScript name
            regular["name"].setName(name, name_id, 3, 1, 0x409)
        regular.save(out)
    return out.getvalue()


def register_page_font(text: str) -> str:
    """Make the font for `text` known to reportlab, which knows fonts by name for as long as the process lives.

    Returns its name. Raises as `page_font`.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont as PageFont

    characters = "".join(sorted(set(text)))
    name = f"Paper-{sha256(characters.encode()).hexdigest()[:16]}"
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(PageFont(name, io.BytesIO(page_font(characters, name=name))))
    return name
