"""Rasa's custom actions, served inside the application: no third process, no second copy of the truth."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from bot.assistant import Assistant
from bot.conversation import TURN
from bot.dialogue import Dialogue
from bot.understanding import from_rasa

NAMES = (
    "action_answer",
    "action_complaint",
    "action_handoff",
    "action_book",
    "action_smalltalk",
    "action_out_of_scope",
)


class Respond(Action):
    """Answers the last message. Rasa chose the action by its rules; the intent says the rest."""

    def __init__(self, name: str, assistant: Assistant, region: str) -> None:
        self._name, self._assistant, self._region = name, assistant, region

    def name(self) -> str:
        return self._name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        said = tracker.latest_message
        intent = said.get("intent") or {}
        text = str(said.get("text") or "")
        understood = from_rasa(
            text, str(intent.get("name")), float(intent.get("confidence") or 0), said.get("entities") or []
        )
        turn = await asyncio.to_thread(self._assistant.respond, text, understood, self._dialogue(tracker))
        dispatcher.utter_message(json_message={"turn": TURN.dump_python(turn, mode="json")})
        return [*_changed(tracker, turn.dialogue), FollowupAction("action_listen")]  # else Rasa would predict it

    def _dialogue(self, tracker: Tracker) -> Dialogue:
        """The application's memory travels with the message; Rasa's slots serve where it does not."""
        kept = (tracker.latest_message.get("metadata") or {}).get("dialogue")
        if kept:
            return Dialogue.load(kept)
        return Dialogue(region=tracker.get_slot("region") or self._region, guide=tracker.get_slot("guide"))


def _changed(tracker: Tracker, dialogue: Dialogue) -> list[dict[str, Any]]:
    """The slots that are not yet as the dialogue has them: each event costs Rasa a check."""
    slots = {
        "guide": dialogue.guide,
        "region": dialogue.region,
        "audience": dialogue.audience and dialogue.audience.value,
        "facets": [facet.value for facet in dialogue.facets],
        "choices": [choice.id for choice in dialogue.choices],
    }
    return [
        SlotSet(name, value) for name, value in slots.items() if (tracker.get_slot(name) or None) != (value or None)
    ]


def executor(assistant: Assistant, region: str) -> ActionExecutor:
    """All actions, ready for `ActionExecutor.run(payload)`."""
    made = ActionExecutor()
    for name in NAMES:
        made.register_action(Respond(name, assistant, region))
    return made
