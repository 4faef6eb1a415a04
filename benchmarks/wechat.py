"""Two hundred messages of fifty citizens at once, over WeChat and over the web, to the same application."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

from benchmarks import processes
from benchmarks.chat import conversations
from benchmarks.figures import Figure
from benchmarks.load import Client, Timed
from benchmarks.machine import children, processor_seconds
from benchmarks.processes import NotMeasured, Process

GROUP = "WeChat callbacks"
BESIDE = "the same over /api/chat"
CITIZENS = 50
IN_TIME = 4.5  # seconds; the platform hangs up after 5
CALM = 6.0  # seconds in which Rasa ends what nobody waits for any more, and is asked again
TOKEN, APPID = "bangbanBench", "wx0123456789abcdef"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
SETTINGS = {
    "BANGBAN_WECHAT_TOKEN": TOKEN,
    "BANGBAN_WECHAT_AES_KEY": AES_KEY,
    "BANGBAN_WECHAT_APPID": APPID,
    "BANGBAN_WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
    "BANGBAN_WECHAT_API_BASE": "http://127.0.0.1:9",  # nobody: what comes in time needs no call
}
_MESSAGE = (
    "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
    "<CreateTime>{moment}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
    "<MsgId>{number}</MsgId></xml>"
)
_numbers = itertools.count(24_000_000_000_000_000)

Post = Callable[[Client], tuple[int, bytes]]


@dataclass(slots=True)
class Side:
    """One way in, and the times of its turns."""

    post: Callable[[str, str], Post]
    crowd: Timed = field(default_factory=Timed)
    alone: Timed = field(default_factory=Timed)
    spent: float = 0.0  # seconds of processor, Rasa's included
    answered: int = 0

    def round(self, process: Process, mark: str, alone: int) -> None:
        """Some messages of one citizen after another, then all citizens' at once."""
        one = [self.post(f"{mark}-one-{at}", text) for at in range(alone) for text in _talk(at)]
        with Client(process.port) as client:
            self._take([_timed(post, client) for post in one], self.alone)
        pids = [process.pid, *children(process.pid)]
        before = sum(map(processor_seconds, pids))
        posts = [self.post(f"{mark}-{at}", text) for at in range(CITIZENS) for text in _talk(at)]
        self._take(_at_once(process.port, posts), self.crowd)
        self.spent += sum(map(processor_seconds, pids)) - before
        time.sleep(CALM)

    def _take(self, results: Sequence[tuple[float, bool]], timed: Timed) -> None:
        timed.each += [seconds for seconds, _ in results]
        self.answered += sum(good for _, good in results)


def measure(shared: Path, *, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Rounds in turn, so that noise hits both. Raises NotMeasured."""
    rounds, alone = (1, 2) if quick else (5, 12)
    with ExitStack() as opened:
        folder = opened.enter_context(processes.home(shared))
        say("starting the application with its Rasa and an Official Account")
        process = opened.enter_context(processes.application(folder, rasa=True, settings=SETTINGS))
        wechat, web = Side(callback), Side(chat)
        for side in (wechat, web):  # the first turns of a process load what later ones share
            Side(side.post).round(process, "warm", 1)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for side in (wechat, web) if number % 2 == 0 else (web, wechat):
                side.round(process, f"r{number}", alone)
    for name, side in (("WeChat", wechat), ("the web", web)):
        if missing := len(side.crowd.each) + len(side.alone.each) - side.answered:
            raise NotMeasured(f"{missing} messages over {name} were not answered")
    return _figures(wechat, web)


def callback(openid: str, text: str) -> Post:
    """A text message as the platform posts it, encrypted and signed beforehand."""
    moment, nonce = str(int(time.time())), secrets.token_hex(8)
    crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
    xml = _MESSAGE.format(openid=openid, moment=moment, text=text, number=next(_numbers))
    body = crypto.encrypt_message(xml, nonce, moment)
    encrypted = body.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
    signer = WeChatSigner()
    signer.add_data(TOKEN, moment, nonce, encrypted)
    query = {"msg_signature": signer.signature, "timestamp": moment, "nonce": nonce, "encrypt_type": "aes"}
    path = f"/wechat/callback?{urlencode(query)}"
    return lambda client: client.post_xml(path, body.encode())


def chat(session: str, text: str) -> Post:
    """The same over the web."""
    body = {"session": f"bench-{session}", "text": text}
    return lambda client: client.post("/api/chat", body)


def _talk(at: int) -> tuple[str, ...]:
    return conversations()[at % len(conversations())]


def _at_once(port: int, posts: Sequence[Post]) -> list[tuple[float, bool]]:
    ready = threading.Barrier(len(posts))
    results: list[tuple[float, bool]] = []

    def send(post: Post) -> None:
        with Client(port) as client:
            ready.wait()
            results.append(_timed(post, client))

    threads = [threading.Thread(target=send, args=(post,)) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _timed(post: Post, client: Client) -> tuple[float, bool]:
    began = time.perf_counter()
    status, body = post(client)
    # `success`, the reply that says nothing, is no answer.
    return time.perf_counter() - began, status == 200 and len(body) > 100


def _figures(wechat: Side, web: Side) -> list[Figure]:
    crowd = f"{CITIZENS * 4} at once of {CITIZENS} citizens"
    late = sum(seconds >= IN_TIME for seconds in wechat.crowd.each)
    in_time = 100 * (1 - late / len(wechat.crowd.each))
    web_in_time = 100 * sum(seconds < IN_TIME for seconds in web.crowd.each) / len(web.crowd.each)
    made = [Figure(GROUP, f"{crowd}: within {IN_TIME} s", in_time, "%", web_in_time, BESIDE, higher=True, aim=100.0)]
    for percent in (50, 95):
        made.append(Figure(GROUP, f"{crowd}: p{percent}", wechat.crowd.p(percent), "ms", web.crowd.p(percent), BESIDE))
    work = [1000 * side.spent / len(side.crowd.each) for side in (wechat, web)]
    made.append(Figure(GROUP, "processor time a turn", work[0], "ms", work[1], BESIDE))
    made.append(Figure(GROUP, "one after another: p50", wechat.alone.p(50), "ms", web.alone.p(50), BESIDE))
    return made
