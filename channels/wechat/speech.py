"""What was said in a recording, by a recogniser of one's own: any that speaks OpenAI's transcription interface."""

from __future__ import annotations

import json

import aiohttp
import structlog

from core.settings import Settings

SECONDS = 20.0  # connecting included
LARGEST = 2 * 1024 * 1024  # bytes of a recording; the platform keeps voice messages below it
LONGEST = 64 * 1024  # bytes of an answer
_ENDINGS = {"amr": "amr", "speex": "speex", "mpeg": "mp3", "mp3": "mp3", "wav": "wav", "ogg": "ogg"}

log = structlog.get_logger()


async def transcribed(content: bytes, sort: str, settings: Settings) -> str:
    """The words in a recording of content type `sort`; empty where there are none, or the recogniser fails."""
    if not settings.speech_url or not 0 < len(content) <= LARGEST:
        return ""
    try:
        return await _asked(content, sort, settings)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("speech.failed", reason=type(error).__name__)
        return ""


async def _asked(content: bytes, sort: str, settings: Settings) -> str:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=f"voice.{_ending(sort)}", content_type="application/octet-stream")
    form.add_field("model", settings.speech_model)
    headers = {"Authorization": f"Bearer {settings.speech_key}"} if settings.speech_key else {}
    limit = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=limit, headers=headers) as client,
        client.post(settings.speech_url, data=form, allow_redirects=False) as answer,
    ):
        if answer.status != 200:
            raise ValueError(answer.status)
        return _text(await _read(answer))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, as long as it is no longer than an answer can be. Raises ValueError."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(8192):
        body += chunk
        if len(body) > LONGEST:
            raise ValueError("too long")
    return bytes(body)


def _text(body: bytes) -> str:
    told = json.loads(body)
    text = told.get("text") if isinstance(told, dict) else None
    if not isinstance(text, str):
        raise ValueError("no text")
    return text.strip()


def _ending(sort: str) -> str:
    """Recognisers go by the file's name. WeChat records AMR unless it says otherwise."""
    return next((ending for word, ending in _ENDINGS.items() if word in sort.lower()), "amr")
