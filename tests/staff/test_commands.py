"""`bangban staff` and `bangban audit`, the first administrator, and what the doctor says of accounts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from channels import cli
from channels.console import invited
from channels.doctor import staff
from channels.house import House
from channels.serving import welcome
from channels.terminal import Failed
from core import clock, logs
from core.settings import Settings
from core.vault import new_key
from staff import accounts, signing

Run = Callable[..., str]


@pytest.fixture
def bangban(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, on a home of its own. Returns what was printed; what goes wrong is raised."""
    for name, value in (("HOME", str(tmp_path)), ("ENCODER", "none"), ("REGION", "450600"), ("LOG_LEVEL", "ERROR")):
        monkeypatch.setenv(f"BANGBAN_{name}", value)
    monkeypatch.setenv("COLUMNS", "400")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    # It would last beyond the test: loggers keep the first set-up they meet.
    monkeypatch.setattr(logs, "configure", lambda level, pretty=False: None)
    for module in ("channels.terminal", "channels.staff_commands", "channels.cli"):
        monkeypatch.setattr(f"{module}.out", Console())
    return run


def opened(tmp_path: Path) -> House:
    house = House(Settings(home=tmp_path))
    house.open_database()
    return house


def test_an_account_is_made_changed_and_disabled_by_hand_and_all_of_it_is_on_record(
    bangban: Run, tmp_path: Path
) -> None:
    add = (
        "staff",
        "add",
        "wangfang",
        "--called",
        "王芳",
        "--role",
        "editor",
        "--role",
        "reviewer",
        "--region",
        "450600",
    )
    once = re.search(r"一次性密码：(\S+)", bangban(*add))
    assert once
    bangban("staff", "grant", "wangfang", "--role", "editor", "--department", "市公安局")
    bangban("staff", "revoke", "wangfang", "--role", "reviewer")
    told = bangban("staff", "list")
    assert "wangfang  王芳  编辑 防城港市；编辑 防城港市 市公安局，还没有改一次性密码" in told
    bangban("staff", "disable", "wangfang")
    bangban("staff", "enable", "wangfang")
    again = re.search(r"一次性密码：(\S+)", bangban("staff", "reset", "wangfang"))
    assert again
    assert again[1] != once[1]
    assert "完整，共 6 条" in bangban("audit", "verify")
    bangban("audit", "export", str(tmp_path / "record.csv"))
    table = (tmp_path / "record.csv").read_text("utf-8")
    for act in ("account.make", "account.grants", "account.enable", "account.reset"):
        assert f"命令行,{act},account:wangfang,450600" in table
    assert once[1] not in table
    assert again[1] not in table
    with pytest.raises(accounts.NoAccount):
        bangban("staff", "reset", "nobody")
    with pytest.raises(Failed, match="区划代码 123456"):
        bangban("staff", "grant", "wangfang", "--role", "editor", "--region", "123456")


def test_an_account_for_single_sign_on_waits_for_whoever_has_its_name_there(
    bangban: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = ("staff", "add", "WangFang", "--called", "王芳", "--role", "editor", "--sso")
    with pytest.raises(Failed, match="BANGBAN_OIDC_ISSUER"):
        bangban(*add)
    monkeypatch.setenv("BANGBAN_OIDC_ISSUER", "https://sso.example")
    monkeypatch.setenv("BANGBAN_OIDC_CLIENT_ID", "bangban")
    told = bangban(*add)
    assert ("第一次登录时" in told, "密码" in told) == (True, False)
    house = opened(tmp_path)
    try:
        with house.reading() as session:
            account = accounts.find(session, "wangfang")
    finally:
        house.engine.dispose()
    assert (account.subject, account.has_password, invited.waits(account)) == ("invited wangfang", False, True)


def test_a_record_that_was_cut_is_told(bangban: Run) -> None:
    bangban("staff", "add", "wangfang", "--called", "王芳", "--role", "editor")
    with pytest.raises(Failed, match="第 2 条起不可信"):
        bangban("audit", "verify", "--known", "2:" + "0" * 64)
    with pytest.raises(Failed, match="--known"):
        bangban("audit", "verify", "--known", "2")


def test_the_first_administrator_signs_in_with_what_was_printed(
    bangban: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = opened(tmp_path)
    try:
        assert "还没有" in staff((), house.settings).told
        made = house.first_administrator()
        assert made is not None
        name, password = made
        printed = welcome("http://127.0.0.1:8000/console", name, password, person=True)
        assert password in printed
        kept = welcome("http://127.0.0.1:8000/console", name, password, person=False)
        assert password not in kept
        assert f"bangban staff reset {name}" in kept
        _, account = signing.sign_in(
            house.writing, house.audit, name, password, address="", agent="", now=clock.now(), hours=1
        )
        assert account.must_change
        assert house.first_administrator() is None
        with house.reading() as session:
            assert house.audit.verify(session).count == 2
            every = accounts.every(session)
    finally:
        house.engine.dispose()
    logged = capsys.readouterr()
    assert password not in logged.out + logged.err
    found = staff(every, house.settings)
    assert (found.state, "admin 的一次性密码还没有用" in found.told) == ("注意", True)
    sso = Settings(oidc_issuer="https://sso.example", oidc_title="省统一认证")
    assert "可用省统一认证登录" in staff(every, sso).told


def test_an_import_by_hand_is_on_record_and_holds_after_the_keys_were_changed(
    bangban: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANGBAN_REGION", "980100")  # where there are guides
    sheet = tmp_path / "guides.jsonl"
    bangban("export", str(sheet))
    for dry in (["--dry-run"], []):
        bangban("import", str(sheet), "--mapping", "guide", *dry)
    bangban("audit", "export", str(tmp_path / "record.jsonl"))
    (entry,) = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text("utf-8").splitlines()]
    assert (entry["who"], entry["act"], entry["subject"]) == ("命令行", "import.apply", "file:guides.jsonl")
    assert {"new", "changed", "same", "wrong"} < set(entry["detail"])
    fresh, old = new_key(), (tmp_path / "secret.key").read_text().strip()
    monkeypatch.setenv("BANGBAN_KEYS", f"{fresh},{old}")
    bangban("keys", "rotate")
    monkeypatch.setenv("BANGBAN_KEYS", fresh)
    assert "完整，共 2 条" in bangban("audit", "verify")
