"""Conversations in memory, within bounds: how many, for how long, and how much of each."""

from __future__ import annotations

import json
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

Event = dict[str, Any]


class BoundedTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Keeps the `sessions` most recently used conversations, none silent for over `idle_seconds`.

    Of each it keeps the slots, the form it is in and the last `turns` turns, without what was answered: rules look at
    the current turn only, and actions remember by slots. Nothing is written to disk. `clock` returns seconds and never
    goes back.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        sessions: int = 20_000,
        idle_seconds: float = 7_200.0,
        turns: int = 1,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._sessions, self._idle, self._turns, self._clock = sessions, idle_seconds, turns, clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # oldest use first

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the conversation as the most recently used one, and drop those beyond the bounds."""
        await self.stream_events(tracker)
        text = json.dumps({"name": tracker.sender_id, "events": condensed(tracker, self._turns)}, ensure_ascii=False)
        self._kept[tracker.sender_id] = (self._clock(), zlib.compress(text.encode(), 1))
        self._kept.move_to_end(tracker.sender_id)
        self._drop()

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation, or None when it is unknown or was dropped."""
        self._drop()
        if sender_id not in self._kept:
            return None
        _, packed = self._kept[sender_id]
        self._kept[sender_id] = (self._clock(), packed)
        self._kept.move_to_end(sender_id)
        return self.deserialise_tracker(sender_id, zlib.decompress(packed).decode())

    async def keys(self) -> Iterable[str]:
        """Identifiers of the conversations kept."""
        self._drop()
        return list(self._kept)

    async def delete(self, sender_id: str) -> None:
        """Forget one conversation."""
        self._kept.pop(sender_id, None)

    def _drop(self) -> None:
        oldest_allowed = self._clock() - self._idle
        while self._kept:
            sender_id, (used, _) = next(iter(self._kept.items()))
            if used >= oldest_allowed and len(self._kept) <= self._sessions:
                return
            del self._kept[sender_id]


def condensed(tracker: DialogueStateTracker, turns: int) -> list[Event]:
    """The events from which the tracker's slots, its form and its last `turns` turns can be made again."""
    events = [event.as_dict() for event in tracker.events]
    starts = [at for at, event in enumerate(events) if event["event"] == "user"]
    if len(starts) > turns:
        first = starts[-turns]
        while first > 0 and events[first].get("name") != ACTION_LISTEN_NAME:
            first -= 1
        loop = [event for event in events[:first] if event["event"] == "active_loop"][-1:]
        events = [SlotSet(name, value).as_dict() for name, value in changed_slots(tracker)] + loop + events[first:]
    return [slim(event) for event in events if event["event"] != "bot"]


def changed_slots(tracker: DialogueStateTracker) -> Iterable[tuple[str, Any]]:
    return ((slot.name, slot.value) for slot in tracker.slots.values() if slot.value != slot.initial_value)


def slim(event: Event) -> Event:
    """A user's event without rankings and tokens, which only the current turn needs."""
    if event["event"] != "user":
        return event
    parsed = event.get("parse_data") or {}
    return {**event, "parse_data": {key: parsed[key] for key in ("intent", "entities", "text") if key in parsed}}
