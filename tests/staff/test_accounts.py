"""Accounts: made, changed, disabled; and the first administrator."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from core.errors import Invalid
from staff import accounts, passwords
from staff.accounts import LastAdministrator, NameTaken, NoAccount, SubjectTaken, WrongPassword
from staff.models import AccountRow
from staff.passwords import WeakPassword
from staff.permissions import Grant, Role

Writing = sessionmaker[Session]
CHIEF = Grant(Role.ADMINISTRATOR, "980100")
DISTRICTS = Grant(Role.ADMINISTRATOR, "980102")
EDITOR = Grant(Role.EDITOR, "980100", "市公安局")
OWN = "青菜 豆腐 雨伞 火车票"


def make(session: Session, noon: datetime, name: str, *grants: Grant) -> int:
    return accounts.make(session, name, name.title(), grants=grants, by="admin", at=noon)[0].id


def test_an_account_comes_back_as_it_was_made(writing: Writing, noon: datetime) -> None:
    with writing.begin() as session:
        made, password = accounts.make(
            session, " WangFang ", " 王 芳 ", grants=[EDITOR, CHIEF, EDITOR], by="命令行", at=noon
        )
    with writing() as session:
        assert accounts.read(session, made.id) == accounts.find(session, "WANGFANG") == made
        assert accounts.every(session) == (made,)
    assert (made.name, made.called, made.grants, made.made_by) == ("wangfang", "王 芳", (EDITOR, CHIEF), "命令行")
    assert (made.enabled, made.must_change, made.has_password, made.region) == (True, True, True, "980100")
    assert re.fullmatch(r"([a-hjkmnp-z]{4}-){3}[a-hjkmnp-z]{4}", password)


@pytest.mark.parametrize("name", ["", "a", "王芳", "wang fang", "-wang", "wаngfang", "x" * 61, "命令行", "a/b"])
def test_a_name_that_could_pass_for_another_is_refused(name: str, writing: Writing, noon: datetime) -> None:
    with writing() as session, pytest.raises(Invalid):
        accounts.make(session, name, "王芳", grants=(), by="命令行", at=noon)


def test_names_and_subjects_belong_to_one(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        make(session, noon, "wangfang")
        accounts.make(session, "lina", "李娜", grants=(), by="命令行", at=noon, subject="iss|1")
        with pytest.raises(NameTaken):
            make(session, noon, "WangFang")
        with pytest.raises(SubjectTaken):
            accounts.make(session, "zhangwei", "张伟", grants=(), by="命令行", at=noon, subject="iss|1")


def test_wrong_regions_and_empty_names_are_refused(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        for called, grant in (("王芳", Grant(Role.EDITOR, "98")), (" ", EDITOR), ("王\u202e芳", EDITOR)):
            with pytest.raises(Invalid):
                accounts.make(session, "wangfang", called, grants=[grant], by="命令行", at=noon)
        with pytest.raises(NoAccount):
            accounts.read(session, 1)
        with pytest.raises(NoAccount):
            accounts.reset(session, 1, at=noon)


def test_roles_and_the_name_people_use_are_changed(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        number = make(session, noon, "wangfang", EDITOR)
        assert accounts.set_grants(session, number, [CHIEF]).grants == (CHIEF,)
        assert accounts.rename(session, number, "王小芳").called == "王小芳"
        assert accounts.read(session, number).grants == (CHIEF,)


def test_the_last_administrator_stays(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        first, other, editor = (make(session, noon, *who) for who in (("a1", CHIEF), ("a2", CHIEF), ("a3", EDITOR)))
        accounts.enable(session, editor, False)
        accounts.enable(session, other, False)
        accounts.enable(session, other, False)
        for change in (
            lambda: accounts.enable(session, first, False),
            lambda: accounts.set_grants(session, first, [EDITOR]),
            lambda: accounts.set_grants(session, first, [Grant(Role.ADMINISTRATOR, "980100", "市公安局")]),
        ):
            with pytest.raises(LastAdministrator):
                change()
        accounts.enable(session, other, True)
        assert accounts.set_grants(session, first, [EDITOR]).grants == (EDITOR,)


def test_an_administrator_goes_only_where_somebody_manages_all_that_they_did(writing: Writing, noon: datetime) -> None:
    def within(place: str, region: str) -> bool:
        return place.startswith(region.removesuffix("00"))

    with writing() as session:
        city, district = make(session, noon, "a1", CHIEF), make(session, noon, "a2", DISTRICTS)
        for change in (
            lambda: accounts.enable(session, city, False, within=within),
            lambda: accounts.set_grants(session, city, [EDITOR], within=within),
            lambda: accounts.set_grants(session, city, [DISTRICTS], within=within),
        ):
            with pytest.raises(LastAdministrator):
                change()
        accounts.enable(session, district, False, within=within)
        accounts.enable(session, district, True)
        make(session, noon, "a3", CHIEF)
        assert accounts.set_grants(session, city, [DISTRICTS], within=within).grants == (DISTRICTS,)


def test_whoever_is_signing_in_is_waited_for_before_their_account_is_changed(writing: Writing, noon: datetime) -> None:
    with writing.begin() as session:
        number = make(session, noon, "wangfang", EDITOR)
        if session.get_bind().dialect.name != "postgresql":
            pytest.skip("a writing transaction of SQLite is alone")

    def disable() -> bool:
        with writing.begin() as session:
            return accounts.enable(session, number, False).enabled

    with writing() as signing_in, ThreadPoolExecutor(1) as pool:
        row = signing_in.get_one(AccountRow, number, with_for_update=True)
        disabled = pool.submit(disable)
        while not signing_in.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not disabled.done()
        row.failed = 1
        signing_in.commit()
        assert disabled.result() is False


def test_where_there_never_was_an_administrator_others_can_be_disabled(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        assert not accounts.enable(session, make(session, noon, "wangfang", EDITOR), False).enabled


# -- passwords --


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "至少 10"), ("x" * 201, "最多 200"), ("aaaaaaaaaaaa", "反复"), ("1212121212", "反复"),
        ("my-WangFang-2026", "登录名"), ("1234567890", "很容易"), ("PASSWORD123", "很容易"), ("１２３４５６７８９０", "很容易"),
    ],
)  # fmt: skip
def test_a_password_that_is_easily_guessed_is_refused_and_told_why(
    password: str, told: str, writing: Writing, noon: datetime
) -> None:
    with writing() as session:
        account, once = accounts.make(session, "wangfang", "王芳", grants=(), by="命令行", at=noon)
        with pytest.raises(WeakPassword, match=told):
            accounts.change_password(session, account.id, once, password)


@pytest.mark.parametrize("password", [OWN, "correct horse battery", "只用汉字也可以的密码", "aB3$aB3$aB3$"])
def test_no_kinds_of_characters_are_asked_for(password: str) -> None:
    passwords.check(password, "wangfang")


def test_a_password_is_changed_with_the_old_one_alone_and_into_another(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        account, once = accounts.make(session, "wangfang", "王芳", grants=(), by="命令行", at=noon)
        with pytest.raises(WrongPassword):
            accounts.change_password(session, account.id, "wrong", OWN)
        with pytest.raises(WeakPassword, match="一样"):
            accounts.change_password(session, account.id, once, once)
        accounts.change_password(session, account.id, once, OWN)
        assert not accounts.read(session, account.id).must_change
        with pytest.raises(WrongPassword):
            accounts.change_password(session, account.id, once, OWN + "2")


def test_passwords_are_kept_as_argon2id_by_the_profile_of_rfc_9106(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = passwords.seal(OWN)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.opens(kept, OWN)
    assert not passwords.opens(None, OWN)
    assert not passwords.opens("damaged", OWN)


def test_what_is_too_long_for_a_password_opens_nothing_and_is_refused_for_a_new_one() -> None:
    crowd = "a" + "\u0301" * 500_000 + "\u0327" * 500_000
    longest = "雨伞 " * 66 + "火车"
    kept = passwords.seal(longest)
    assert passwords.opens(kept, longest)
    for long in (longest + "x", crowd):
        assert not passwords.opens(kept, long)
        with pytest.raises(WeakPassword, match="最多 200"):
            passwords.check(long, "wangfang")


def test_one_time_passwords_would_themselves_be_taken() -> None:
    made = {passwords.one_time() for _ in range(50)}
    assert len(made) == 50
    for one in made:
        passwords.check(one, "wangfang")


# -- the first --


def test_of_several_that_start_at_once_one_makes_the_first_administrator(writing: Writing, noon: datetime) -> None:
    together = Barrier(4)

    def start(_: int) -> tuple[str, str] | None:
        together.wait()
        with writing.begin() as session:
            return accounts.first(session, region="980100", at=noon)

    with ThreadPoolExecutor(4) as pool:
        made = [one for one in pool.map(start, range(4)) if one]
    assert len(made) == 1
    with writing() as session:
        (account,) = accounts.every(session)
    assert (account.name, account.grants, account.must_change) == (made[0][0], (CHIEF,), True)


def test_where_somebody_has_an_account_there_is_no_first(writing: Writing, noon: datetime) -> None:
    with writing() as session:
        accounts.enable(session, make(session, noon, "wangfang", EDITOR), False)
        assert accounts.first(session, region="980100", at=noon) is None
