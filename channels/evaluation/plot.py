"""The curve of answer thresholds as SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence

from index.evaluate import Point

_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP, _RIGHT = 760, 360, 52, 44, 16, 240
_LINES = (  # attribute, words, colour and dash that also differ in grey
    ("right", "answerable, answered right", "#1a7f37", ""),
    ("wrong", "answerable, answered wrong", "#cf222e", "7 4"),
    ("fooled", "unanswerable, answered", "#8250df", "2 4"),
)


def svg(points: Sequence[Point], present: float) -> str:
    """Shares over thresholds; `present` is the threshold in force."""
    low, high = points[0].threshold, points[-1].threshold

    def x(threshold: float) -> float:
        return _LEFT + (threshold - low) / (high - low) * (_WIDE - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _TOP + (1 - share) * (_HIGH - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        'aria-labelledby="curve-title" font-family="system-ui, sans-serif" font-size="12">',
        '<title id="curve-title">What each answer threshold does</title>',
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="#ffffff"/>',
    ]
    for tenth in range(0, 11, 2):
        level = y(tenth / 10)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#d8dee4"/>')
        parts.append(_text(_LEFT - 8, level + 4, f"{tenth * 10} %", "end"))
    first, last = round(low * 10), round(high * 10)
    for mark in [tenth / 10 for tenth in range(first, last + 1) if low <= tenth / 10 <= high]:
        parts.append(_text(x(mark), _HIGH - _BOTTOM + 18, f"{mark:.1f}", "middle"))
    middle = (_LEFT + _WIDE - _RIGHT) / 2
    parts.append(_text(middle, _HIGH - 8, "answered from this score on", "middle"))
    if low <= present <= high:
        parts.append(
            f'<line x1="{x(present):.1f}" x2="{x(present):.1f}" y1="{_TOP}" y2="{_HIGH - _BOTTOM}" stroke="#57606a" '
            'stroke-dasharray="1 3"/>'
        )
        parts.append(_text(x(present) + 4, _TOP + 10, f"now {present:g}", "start"))
    for number, (name, words, colour, dash) in enumerate(_LINES):
        path = " ".join(f"{x(one.threshold):.1f},{y(getattr(one, name)):.1f}" for one in points)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{path}" {style}/>')
        level, start = _TOP + 20 + 24 * number, _WIDE - _RIGHT + 14
        parts.append(f'<polyline points="{start},{level} {start + 26},{level}" {style}/>')
        parts.append(_text(start + 32, level + 4, words, "start"))
    return "\n".join((*parts, "</svg>")) + "\n"


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#24292f">{words}</text>'
