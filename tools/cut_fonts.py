"""Cuts the fonts of figures: `python tools/cut_fonts.py FOLDER`, where Arimo-Regular.ttf and Arimo-Bold.ttf lie.

What stays is Latin, Greek, Cyrillic, punctuation, currencies, arrows and mathematics, with Arimo's outlines and widths;
without hints, which matplotlib does not take, and without the tables that hold ligatures, for which a subset in a PDF
takes its time. The family gets a name of its own, so that no font of the machine is taken in its place."""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset

BLOCKS = ((0x20, 0x250), (0x370, 0x460), (0x2000, 0x2070), (0x20A0, 0x20C0), (0x2190, 0x21A0), (0x2200, 0x2270))
TO = Path(__file__).parent.parent / "prldh" / "pages" / "arimo"


def main(folder: str) -> None:
    options = subset.Options(glyph_names=True, name_IDs=["*"], notdef_outline=True, hinting=False)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    for path in sorted(Path(folder).glob("Arimo-*.ttf")):
        if path.stem not in ("Arimo-Regular", "Arimo-Bold"):
            continue
        with subset.load_font(path, options) as font:
            cut = subset.Subsetter(options)
            cut.populate(unicodes=[code for start, end in BLOCKS for code in range(start, end)])
            cut.subset(font)
            for record in font["name"].names:
                if record.nameID in (1, 16):
                    font["name"].setName(
                        "Arimo of prldh", record.nameID, record.platformID, record.platEncID, record.langID
                    )
            font.save(TO / path.name)


if __name__ == "__main__":
    main(sys.argv[1])
