"""Rasa's custom actions, served inside the application: no third process, no second copy of the truth."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from bot.assistant import Assistant
from bot.conversation import TURN
from bot.dialogue import Dialogue, Turn
from bot.draft import Step
from bot.understanding import from_rasa
from core.vault import Vault

NAMES = ("action_answer", "action_complaint", "action_handoff", "action_smalltalk", "action_out_of_scope")
FORM = "booking_form"
VALIDATE = f"validate_{FORM}"  # the name by which Rasa finds it
SLOTS = ("booking_item", "booking_hall", "booking_day", "booking_time", "booking_person", "booking_confirmed")
_ASKED = {  # the slot of the form that each step asks for
    Step.ITEM: "booking_item",
    Step.ONLINE: "booking_item",
    Step.HALL: "booking_hall",
    Step.DAY: "booking_day",
    Step.TIME: "booking_time",
    Step.NAME: "booking_person",
    Step.PHONE: "booking_person",
    Step.IDENTITY: "booking_person",
    Step.CONFIRM: "booking_confirmed",
}


class Respond(Action):
    """Answers the last message. Rasa chose the action by its rules; the intent says the rest.

    The turn goes back through Rasa locked: names and links to appointments are none of its business.
    """

    def __init__(self, name: str, assistant: Assistant, region: str, vault: Vault) -> None:
        self._name, self._assistant, self._region, self._vault = name, assistant, region, vault

    def name(self) -> str:
        return self._name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = await self._turn(dispatcher, tracker)
        # A booking that began elsewhere, or before Rasa was started anew, is gone on with in the form.
        entered = [ActiveLoop(FORM), *_form(turn.dialogue)] if turn.dialogue.draft else []
        return [
            *_changed(tracker, turn.dialogue),
            *entered,
            FollowupAction("action_listen"),
        ]  # else Rasa would predict it

    async def _turn(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Turn:
        said = tracker.latest_message
        intent = said.get("intent") or {}
        text = str(said.get("text") or "")
        understood = from_rasa(
            text, str(intent.get("name")), float(intent.get("confidence") or 0), said.get("entities") or []
        )
        turn = await asyncio.to_thread(self._assistant.respond, text, understood, self._dialogue(tracker))
        dispatcher.utter_message(json_message={"turn": self._vault.lock(TURN.dump_json(turn).decode())})
        return turn

    def _dialogue(self, tracker: Tracker) -> Dialogue:
        """The application's memory travels with the message; Rasa's slots serve where it does not."""
        kept = (tracker.latest_message.get("metadata") or {}).get("dialogue")
        if kept:
            return Dialogue.load(kept)
        return Dialogue(region=tracker.get_slot("region") or self._region, guide=tracker.get_slot("guide"))


class ValidateBooking(Respond):
    """What the booking form calls for each message: answers it, fills the form's slots, and ends it when all is done.

    The form is always told something, else Rasa takes the message for one that it could not read.
    """

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = await self._turn(dispatcher, tracker)
        return [*_changed(tracker, turn.dialogue), *_form(turn.dialogue)]


def _form(dialogue: Dialogue) -> list[dict[str, Any]]:
    """The form's slots as the draft has them; without a draft all are empty and none is asked, which ends the form."""
    draft = dialogue.draft
    if draft is None:
        return [SlotSet(name, None) for name in (*SLOTS, "requested_slot")]
    values = (
        draft.guide,
        draft.window or None,
        draft.day.isoformat() if draft.day else None,
        draft.starts.strftime("%H:%M") if draft.starts else None,
        True if draft.step is Step.CONFIRM else None,
        None,
    )
    return [*map(SlotSet, SLOTS, values), SlotSet("requested_slot", _ASKED[draft.step])]


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


def executor(assistant: Assistant, region: str, vault: Vault) -> ActionExecutor:
    """All actions, ready for `ActionExecutor.run(payload)`."""
    made = ActionExecutor()
    for name in NAMES:
        made.register_action(Respond(name, assistant, region, vault))
    made.register_action(ValidateBooking(VALIDATE, assistant, region, vault))
    return made
