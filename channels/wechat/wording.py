"""What is said on WeChat around the conversation itself."""

from __future__ import annotations

from pathlib import Path

from bot.wording import Wording

say = Wording(Path(__file__).parent / "wording.yml").say
