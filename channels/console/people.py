"""Words for who may do what, and for what somebody signed in with."""

from __future__ import annotations

import re

from knowledge.regions import Regions
from staff.permissions import Grant

# The first that is found counts: Edge and others say they are Chrome too, and Chrome says it is Safari.
_BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg", "Edge"), ("QQBrowser", "QQ浏览器"), ("360", "360浏览器"), ("Firefox", "Firefox"),
    ("Chrom", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("HarmonyOS", "鸿蒙"), ("Android", "安卓"), ("iPhone|iPad", "苹果手机或平板"), ("Windows", "Windows"),
    ("Mac OS", "苹果电脑"), ("Linux", "Linux"),
)  # fmt: skip


def role(grant: Grant, regions: Regions) -> str:
    """编辑，云桥市，云桥市公安局."""
    return "，".join(
        (grant.role.spoken, regions.full_name(grant.region) or grant.region, grant.department or "全部部门")
    )


def browser(agent: str) -> str:
    """Chrome（Windows）, as well as the browser's own words tell."""
    name = _first(_BROWSERS, agent) or "其他浏览器"
    system = _first(_SYSTEMS, agent)
    return f"{name}（{system}）" if system else name


def _first(words: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((word for pattern, word in words if re.search(pattern, agent)), "")
