"""What the stock action server runs (Python 3.10, Rasa's own environment): every action asks the running application's
search and says the best guide's name. It does less than ours, which also reads the guide and words an answer.
"""

from __future__ import annotations

import os
from typing import Any

import aiohttp
from rasa_sdk import Action

SEARCH = os.environ["BENCH_SEARCH"]
_session: aiohttp.ClientSession | None = None


class Say(Action):
    """One of the actions that the model's rules name."""

    action_name = ""

    def name(self) -> str:
        return self.action_name

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        global _session
        if _session is None:
            _session = aiohttp.ClientSession()
        asked = tracker.latest_message.get("text") or ""
        async with _session.get(SEARCH, params={"q": asked, "limit": "10"}) as answer:
            hits = (await answer.json())["hits"]
        found = f"您要办的可能是：{hits[0]['guide']['name']}" if hits else "没有找到合适的办事指南，请换个说法。"
        dispatcher.utter_message(text=found)
        return []


class SayAnswer(Say):
    action_name = "action_answer"


class SayComplaint(Say):
    action_name = "action_complaint"


class SayHandoff(Say):
    action_name = "action_handoff"


class SayBook(Say):
    action_name = "action_book"


class SaySmalltalk(Say):
    action_name = "action_smalltalk"


class SayOutOfScope(Say):
    action_name = "action_out_of_scope"
