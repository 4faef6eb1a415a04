"""`bangban serve` as people run it: with its Rasa, without it, and when things go wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.channels.command import call, run
from tests.channels.conftest import Served, home


def rasa_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children()
        if "bangban_rasa.launcher" in " ".join(child.cmdline())
    ]


def test_a_question_is_answered_through_rasa(served: Served) -> None:
    before = served.counted("rasa")
    answer = served.ask("身份证丢了咋补", "session-rasa1")
    assert (answer["act"], answer["guide"]["name"]) == ("answer", "居民身份证丢失补领")  # type: ignore[index]
    assert served.counted("rasa") == before + 1


def test_a_whole_conversation_goes_through_rasa(served: Served) -> None:
    before = served.counted("rasa"), served.counted("direct")
    session = "session-rasa2"
    assert served.ask("老房子想写上媳妇的名字", session)["act"] in {"answer", "clarify"}
    assert served.ask("护照怎么办", session)["guide"]["name"].startswith("普通护照")  # type: ignore[index]
    assert served.ask("那要带什么，多少钱", session)["facets"] == ["materials", "fee"]
    assert served.ask("周六上班不", session)["facets"] == ["hours"]
    assert served.ask("转人工", session)["act"] == "handoff"
    assert served.ask("我要投诉", session)["act"] == "ticket"
    assert served.ask("谢谢你啊", session)["act"] == "smalltalk"
    assert served.ask("给我写首诗", session)["act"] == "refuse"
    assert (served.counted("rasa"), served.counted("direct")) == (before[0] + 8, before[1])


def test_nothing_private_reaches_rasa_or_the_logs(served: Served) -> None:
    served.ask("我叫李大山，身份证330602195001011234，电话13900001111，咋办老年证", "session-rasa3")
    rasa_log = (served.folder / "rasa" / "rasa.log").read_text("utf-8", errors="replace")
    for secret in ("330602195001011234", "13900001111", "李大山", "咋办老年证"):
        assert secret not in served.log.read_text("utf-8")
        assert secret not in rasa_log


def test_rasa_answers_nobody_but_the_application(served: Served) -> None:
    rasa = rasa_of(served.process)[0]
    listening = [one.laddr for one in rasa.net_connections() if one.status == psutil.CONN_LISTEN]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    port = listening[0].port
    command = [
        "curl",
        "-s",
        "-o",
        os.devnull,
        "-w",
        "%{http_code}",
        f"http://127.0.0.1:{port}/webhooks/bangban/webhook",
    ]
    body = ["-H", "Content-Type: application/json", "-d", '{"sender":"x","message":"y"}']
    assert subprocess.run(command + body, capture_output=True, text=True, check=False).stdout == "401"


def test_citizens_get_answers_while_rasa_is_killed_and_comes_back(served: Served) -> None:
    rasa_of(served.process)[0].send_signal(signal.SIGKILL)
    for n in range(5):
        assert served.ask("护照怎么办", f"session-dead{n}")["act"] == "answer"
    served.wait("rasa", "ready", 180)
    before = served.counted("rasa")
    served.ask("护照怎么办", "session-alive")
    assert served.counted("rasa") == before + 1


def test_citizens_get_answers_while_rasa_hangs(served: Served) -> None:
    rasa = rasa_of(served.process)[0]
    rasa.send_signal(signal.SIGSTOP)
    try:
        assert served.ask("居住证怎么办", "session-hung1")["act"] in {"answer", "clarify"}
    finally:
        rasa.send_signal(signal.SIGCONT)
    served.wait("rasa", "ready", 180)


def test_a_busy_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", BANGBAN_HOME=str(tmp_path), BANGBAN_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "已被占用" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_told_by_its_name(tmp_path: Path) -> None:
    done = run("serve", BANGBAN_HOME=str(tmp_path), BANGBAN_PORT="eighty")
    assert done.returncode == 1
    assert "BANGBAN_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = call("doctor", BANGBAN_HOME=str(tmp_path), BANGBAN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "连不上" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_without_rasa_and_without_an_encoder_words_alone_serve_and_doctor_says_so(tmp_path: Path) -> None:
    alone = Served(tmp_path, BANGBAN_RASA="false", BANGBAN_ENCODER="none")
    try:
        alone.wait("status", "ready", 120)
        assert alone.state()["search"] == "words"
        assert alone.ask("居民身份证丢失补领怎么办")["guide"]["name"] == "居民身份证丢失补领"  # type: ignore[index]
    finally:
        alone.stop()
    told = call("doctor", BANGBAN_HOME=str(tmp_path), BANGBAN_ENCODER="none", BANGBAN_RASA="false").stdout
    assert "只用词语检索" in told


def test_ctrl_c_ends_the_application_and_its_rasa(tmp_path: Path, served: Served) -> None:
    second = Served(home(tmp_path))
    second.wait("status", "ready", 120)
    deadline = time.monotonic() + 60
    while not (children := rasa_of(second.process)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert children
    second.stop()
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert (second.process.returncode, len(gone), alive) == (0, 1, [])


def test_rasa_ends_when_the_application_is_killed(tmp_path: Path, served: Served) -> None:
    second = Served(home(tmp_path))
    second.wait("status", "ready", 120)
    deadline = time.monotonic() + 60
    while not (children := rasa_of(second.process)) and time.monotonic() < deadline:
        time.sleep(0.2)
    second.process.kill()
    second.process.wait(10)
    gone, _ = psutil.wait_procs(children, timeout=60)
    assert len(gone) == 1


@pytest.mark.parametrize(
    "command", ["serve", "import", "train", "search", "ask", "export", "lint-guides", "doctor", "template"]
)
def test_every_command_explains_itself(command: str) -> None:
    done = call(command, "--help")
    assert done.returncode == 0
    assert "帮" in done.stdout or re_chinese(done.stdout)


def re_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)
