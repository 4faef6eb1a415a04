"""One text with numbered paragraphs as a list: 1.…2.…, （一）…（二）…, ①…②…"""

from __future__ import annotations

import re

HAN = "一二三四五六七八九十"
_STYLES = (
    re.compile(r"[（(]([一二三四五六七八九十]{1,3})[)）]"),
    re.compile(r"(?:^|(?<=[\s。；;：:，]))([一二三四五六七八九十]{1,3})、"),
    re.compile(r"[（(](\d{1,2})[)）]"),
    re.compile(r"(?<![\d.])(\d{1,2})(?:[.．](?!\d)|、)"),
    re.compile(r"(?:^|(?<=\n))(\d{1,2})\s+(?=[㐀-鿿])"),
    re.compile(r"([①②③④⑤⑥⑦⑧⑨⑩])"),
)


def paragraphs(text: str) -> list[str]:
    """The paragraphs as published, numbers included; what stands before the first comes first.

    A style counts only where it runs 1, 2, … from its first number; the one that begins first is the outermost.
    Without numbers each line is a paragraph.
    """
    runs = [run for style in _STYLES if (run := _run(style, text))]
    if not runs:
        return [line.strip() for line in text.split("\n") if line.strip()]
    cuts = min(runs)
    parts = [text[: cuts[0]]] + [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    return [re.sub(r"\s*\n\s*", "\n", part).strip() for part in parts if part.strip()]


def _run(style: re.Pattern[str], text: str) -> list[int]:
    """Where the numbers 1, 2, 3 … of this style begin; empty for fewer than two."""
    cuts: list[int] = []
    for match in style.finditer(text):
        if _number(match[1]) == len(cuts) + 1:
            cuts.append(match.start())
    return cuts if len(cuts) > 1 else []


def _number(sign: str) -> int:
    if sign.isascii():
        return int(sign)
    if sign in "①②③④⑤⑥⑦⑧⑨⑩":
        return "①②③④⑤⑥⑦⑧⑨⑩".index(sign) + 1
    tens, _, ones = sign.rpartition("十")
    if "十" not in sign:
        return HAN.index(sign) + 1 if sign in HAN else 0
    return (HAN.index(tens) + 1 if tens else 1) * 10 + (HAN.index(ones) + 1 if ones else 0)
