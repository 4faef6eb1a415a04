"""An answer in several messages: as few as hold it, and what is not said yet waits for 继续."""

from __future__ import annotations

from collections.abc import Sequence

from channels.wechat import rendering
from channels.wechat.letters import Incoming, Kind, Outgoing
from core.cache import Cache
from core.vault import Vault

WAITS = 2 * 3600  # seconds
CONTINUE = {"继续", "更多", "接着说"}


def goes_on(incoming: Incoming) -> bool:
    """Whether the citizen asks for what is not said yet."""
    said = incoming.kind in (Kind.TEXT, Kind.VOICE) and incoming.text.rstrip("。") in CONTINUE
    return said or (incoming.kind is Kind.TEXT and incoming.choice == rendering.MORE)


def joined(parts: Sequence[str]) -> tuple[str, ...]:
    """As few messages as hold all of it."""
    made: list[str] = []
    for part in parts:
        if made and len(f"{made[-1]}\n\n{part}".encode()) <= rendering.ROOM:
            made[-1] += f"\n\n{part}"
        else:
            made.append(part)
    return tuple(made)


def cut(parts: Sequence[str], most: int) -> tuple[str, ...]:
    """The first of them; where there are more, the last says how to go on."""
    first = tuple(parts[:most])
    return (*first[:-1], first[-1] + rendering.CONTINUE) if first and len(parts) > most else first


class Rest:
    """What is not said yet, by citizen, locked in the shared memory."""

    def __init__(self, cache: Cache, vault: Vault) -> None:
        self._cache, self._vault = cache, vault

    async def of(self, sender: str) -> tuple[str, ...]:
        """It, in order; nothing where all is said."""
        kept = await self._cache.get(_key(sender))
        return Outgoing.load(self._vault.unlock(kept)).parts if kept else ()

    async def leave(self, sender: str, parts: Sequence[str]) -> None:
        """From now on it is this, in the place of what was before."""
        if parts:
            await self._cache.set(_key(sender), self._vault.lock(Outgoing(tuple(parts)).dump()), WAITS)
        else:
            await self._cache.delete(_key(sender))


def _key(sender: str) -> str:
    return f"wechat:rest:{sender}"
