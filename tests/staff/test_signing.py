"""Signing in: who gets in, who is kept out, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from staff import accounts, devices, passwords, signing
from staff.audit import Audit
from staff.models import AccountRow, SessionRow
from staff.permissions import Grant, Role
from staff.signing import LockedOut, NotInvited, PasswordExpired, WrongSignIn

OWN = "青菜 豆腐 雨伞 火车票"
EDITOR = (Grant(Role.EDITOR, "980100"),)


@dataclass
class Door:
    """One account, wangfang, with a password of her own, and where she signs in."""

    writing: sessionmaker[Session]
    audit: Audit
    now: datetime
    account: int = 0

    def sign_in(self, password: str = OWN, name: str = "wangfang", *, known: bool = False, **after: float) -> str:
        now = self.now + timedelta(**after)
        token, _ = signing.sign_in(
            self.writing, self.audit, name, password, address="192.0.2.7", agent="Firefox", now=now, hours=10,
            known=known,
        )  # fmt: skip
        return token

    def who(self, token: str, **after: float) -> signing.Signed | None:
        with self.writing.begin() as session:
            return signing.who(session, token, now=self.now + timedelta(**after))

    def acts(self) -> list[str]:
        """What is on record, the oldest first."""
        with self.writing() as session:
            return [one.act for one in self.audit.entries(session)][::-1]


@pytest.fixture
def door(writing: sessionmaker[Session], audit: Audit, noon: datetime) -> Door:
    with writing.begin() as session:
        account, once = accounts.make(session, "wangfang", "王芳", grants=EDITOR, by="命令行", at=noon)
        accounts.change_password(session, account.id, once, OWN)
    return Door(writing, audit, noon, account.id)


def test_who_signed_in_is_known_by_the_token_of_which_the_database_knows_the_digest_alone(door: Door) -> None:
    token = door.sign_in()
    signed = door.who(token)
    assert signed is not None
    assert (signed.account.name, signed.account.grants, signed.account.signed_at) == ("wangfang", EDITOR, door.now)
    with door.writing() as session:
        row = session.scalars(select(SessionRow)).one()
    assert token not in (row.digest, row.address, row.agent)
    assert signed.csrf not in (token, row.digest)
    assert signed.csrf == door.who(token).csrf  # type: ignore[union-attr]
    assert signed.csrf != door.who(door.sign_in()).csrf  # type: ignore[union-attr]
    assert (door.who("x"), door.who(""), door.who(row.digest)) == (None, None, None)


def test_each_sign_in_and_failure_goes_on_record_without_what_was_typed(door: Door) -> None:
    door.sign_in(name=" WangFang ")
    for name in ("wangfang", "my-secret-in-the-wrong-field"):
        with pytest.raises(WrongSignIn):
            door.sign_in("wrong-secret", name=name)
    assert door.acts() == ["sign.in", "sign.failed", "sign.failed"]
    with door.writing() as session:
        entries = door.audit.entries(session)
        assert door.audit.verify(session).ok
    assert "secret" not in str(entries)
    assert [(one.subject, one.region) for one in entries] == [
        ("account:", ""), ("account:wangfang", "980100"), ("account:wangfang", "980100"),
    ]  # fmt: skip


def test_unknown_disabled_and_wrong_are_told_alike_and_each_costs_one_check_of_a_password(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with door.writing.begin() as session:
        other, _ = accounts.make(session, "lina", "李娜", grants=(), by="命令行", at=door.now)
        accounts.make(session, "sso", "单点", grants=(), by="命令行", at=door.now, subject="iss|1")
        accounts.enable(session, other.id, False)
    checked: list[bool] = []

    class Counting:
        """The real one, counted."""

        def __getattr__(self, name: str) -> object:
            return getattr(hasher, name)

        def verify(self, kept: str, password: str) -> bool:
            checked.append(kept.startswith("$argon2id$"))
            return hasher.verify(kept, password)

    hasher = passwords._hasher()
    monkeypatch.setattr(passwords, "_hasher", Counting)
    told = set()
    for name in ("nobody", "lina", "wangfang", "sso", "", "x\ud800\x00"):
        with pytest.raises(WrongSignIn) as problem:
            door.sign_in("not the password", name=name)
        told.add(str(problem.value))
    assert len(told) == 1
    assert checked == [True] * 6


def test_five_wrong_ones_in_a_row_lock_the_account_for_a_quarter_of_an_hour(door: Door) -> None:
    for _ in range(4):
        with pytest.raises(WrongSignIn):
            door.sign_in("wrong")
    with pytest.raises(LockedOut, match="请过 15 分钟"):
        door.sign_in("wrong")
    with pytest.raises(LockedOut, match="请过 1 分钟"):
        door.sign_in(OWN, minutes=14, seconds=30)
    assert door.acts() == ["sign.failed"] * 4 + ["sign.locked"]
    assert door.sign_in(OWN, minutes=15)
    with pytest.raises(WrongSignIn):  # counted from the beginning
        door.sign_in("wrong", minutes=16)


def test_a_known_browser_passes_the_lock_of_strangers_and_leaves_it_as_it_is(door: Door) -> None:
    for _ in range(5):
        with pytest.raises((WrongSignIn, LockedOut)):
            door.sign_in("wrong")
    for _ in range(6):
        with pytest.raises(WrongSignIn):
            door.sign_in("wrong", known=True)
    assert door.sign_in(known=True)
    with pytest.raises(LockedOut):
        door.sign_in()
    assert door.acts() == [*["sign.failed"] * 4, "sign.locked", *["sign.failed"] * 6, "sign.in"]


def test_a_browser_is_known_for_one_account_and_until_its_password_changes(door: Door) -> None:
    keys = (b"new", b"old")
    with door.writing.begin() as session:
        accounts.make(session, "lina", "李娜", grants=(), by="命令行", at=door.now)
        accounts.make(session, "sso", "单点", grants=(), by="命令行", at=door.now, subject="iss|1")
        shown = devices.token(session, b"old", door.account)
        nonce, _, seal = shown.partition(".")
        assert shown != devices.token(session, b"old", door.account)
        assert devices.knows(session, keys, shown, " WangFang ")
        assert not devices.knows(session, keys[:1], shown, "wangfang")
        for forged in ("", ".", nonce, f"x.{seal}", f"{nonce}.{seal}x", "\u00e9.\u00e9"):
            assert not devices.knows(session, keys, forged, "wangfang")
        for name in ("lina", "sso", "nobody", ""):
            assert not devices.knows(session, keys, shown, name)
        accounts.change_password(session, door.account, OWN, OWN + "2")
        assert not devices.knows(session, keys, shown, "wangfang")


def test_a_right_password_starts_the_count_anew(door: Door) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(WrongSignIn):
                door.sign_in("wrong")
        door.sign_in()


def test_who_guesses_many_times_at_once_gets_no_more_tries(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(kept: str | None, password: str) -> bool:
        monkeypatch.undo()
        for _ in range(5):  # while the right one is still being checked
            with pytest.raises((WrongSignIn, LockedOut)):
                door.sign_in("wrong")
        return True

    monkeypatch.setattr(passwords, "opens", meanwhile)
    with pytest.raises(LockedOut):
        door.sign_in(OWN)


def test_a_one_time_password_opens_for_seven_days_and_asks_to_be_changed(door: Door) -> None:
    with door.writing.begin() as session:
        once = accounts.reset(session, door.account, at=door.now)
    token = door.sign_in(once, days=6)
    assert door.who(token, days=6).account.must_change  # type: ignore[union-attr]
    with pytest.raises(PasswordExpired):
        door.sign_in(once, days=7)
    with pytest.raises(WrongSignIn):
        door.sign_in("wrong\ud800", days=7)


def test_a_password_kept_in_an_older_way_is_kept_anew_at_the_next_sign_in(door: Door) -> None:
    from argon2 import PasswordHasher

    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(OWN)
    with door.writing.begin() as session:
        session.get_one(AccountRow, door.account).password = older
    door.sign_in()
    with door.writing() as session:
        kept = session.get_one(AccountRow, door.account).password
    assert kept is not None
    assert passwords.outdated(older)
    assert not passwords.outdated(kept)
    assert door.sign_in()


# -- how long --


def test_a_session_ends_after_an_hour_unused_and_lives_while_it_is_used(door: Door) -> None:
    unused, used = door.sign_in(), door.sign_in()
    for minutes in (30, 59, 100, 159):
        assert door.who(used, minutes=minutes)
    assert door.who(unused, minutes=60) is None
    assert door.who(used, minutes=219) is None


def test_a_session_ends_after_its_hours_however_much_it_is_used(door: Door) -> None:
    token = door.sign_in()
    for half in range(1, 20):
        assert door.who(token, minutes=30 * half)
    assert door.who(token, hours=10) is None


def test_that_it_was_used_is_written_at_most_once_a_minute_and_reading_waits_for_nobody(door: Door) -> None:
    token = door.sign_in()
    with door.writing.begin() as busy:  # on SQLite nobody else writes now
        signing.sessions(busy, door.account, now=door.now)
        recognised = signing.recognise(sessionmaker(_reading(door)), door.writing, token, now=_later(door, 59))
        assert recognised is not None
    assert _seen(door) == door.now
    signing.recognise(sessionmaker(_reading(door)), door.writing, token, now=_later(door, 60))
    assert _seen(door) == _later(door, 60)
    assert signing.recognise(sessionmaker(_reading(door)), door.writing, "x", now=door.now) is None


def _reading(door: Door):  # type: ignore[no-untyped-def]
    return door.writing.kw["bind"].execution_options(writing=False)


def _later(door: Door, seconds: int) -> datetime:
    return door.now + timedelta(seconds=seconds)


def _seen(door: Door) -> datetime:
    with door.writing() as session:
        return signing.sessions(session, door.account, now=door.now)[0].seen_at


# -- out --


def test_signing_out_ends_this_session_and_signing_out_everywhere_all(door: Door) -> None:
    one, two, three = door.sign_in(), door.sign_in(), door.sign_in()
    with door.writing.begin() as session:
        signing.sign_out(session, one)
    assert [bool(door.who(token)) for token in (one, two, three)] == [False, True, True]
    with door.writing.begin() as session:
        opened = signing.sessions(session, door.account, now=door.now)
        assert [(here.address, here.agent) for here in opened] == [("192.0.2.7", "Firefox")] * 2
        signing.sign_out_everywhere(session, door.account)
    assert [door.who(token) for token in (two, three)] == [None, None]


def test_whose_account_is_disabled_or_reset_is_out_at_once(door: Door) -> None:
    for end in (
        lambda session: accounts.enable(session, door.account, False),
        lambda session: accounts.reset(session, door.account, at=door.now),
    ):
        with door.writing.begin() as session:
            accounts.enable(session, door.account, True)
        token = door.sign_in()
        with door.writing.begin() as session:
            end(session)
        assert door.who(token) is None


def test_a_changed_password_ends_all_sessions_but_this_one(door: Door) -> None:
    here, there = door.sign_in(), door.sign_in()
    with door.writing.begin() as session:
        accounts.change_password(session, door.account, OWN, OWN + "2", keep=signing.digest_of(here))
    assert door.who(here)
    assert door.who(there) is None
    with pytest.raises(WrongSignIn):
        door.sign_in(OWN)


# -- single sign-on --


def test_single_sign_on_opens_the_account_of_its_subject_alone(door: Door) -> None:
    def by(subject: str) -> tuple[str, accounts.Account]:
        return signing.sign_in_by(
            door.writing, door.audit, subject, address="192.0.2.7", agent="", now=door.now, hours=10
        )

    with door.writing.begin() as session:
        accounts.link(session, door.account, "https://sso.example|42")
        once = accounts.reset(session, door.account, at=door.now)
    token, account = by("https://sso.example|42")
    assert (account.name, account.must_change, account.has_password) == ("wangfang", False, False)
    assert door.who(token)
    with pytest.raises(WrongSignIn):  # dropped, since it was not used
        door.sign_in(once)
    for subject in ("https://sso.example|43", ""):
        with pytest.raises(NotInvited):
            by(subject)
    with door.writing.begin() as session:
        accounts.enable(session, door.account, False)
    with pytest.raises(NotInvited):
        by("https://sso.example|42")
    assert door.acts() == ["sign.in", *["sign.failed"] * 4]
