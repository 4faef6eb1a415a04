"""The record: one line of entries that nobody changes unnoticed."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from core.vault import Vault, new_key
from staff.audit import GENESIS, Audit
from staff.exporting import Form, lines
from staff.models import AuditHead, AuditRow
from tests.staff.conftest import KEY, by_force

Writing = sessionmaker[Session]


def write(audit: Audit, writing: Writing, noon: datetime, *acts: str) -> None:
    for act in acts:
        with writing.begin() as session:
            audit.record(session, who="wangfang", act=act, subject="guide:1", region="980100", why="电话换了", at=noon)


def test_what_is_recorded_comes_back_whole_and_the_newest_first(audit: Audit, writing: Writing, noon: datetime) -> None:
    detail = {"字段": ["a", None, True, 3], "小数": 1.50, "日": noon.date(), "坏": "x\x00y\ud800"}
    with writing.begin() as session:
        audit.record(session, who="wangfang", act="guide.publish", subject="guide:12", at=noon, why="电", detail=detail)
    write(audit, writing, noon, "guide.withdraw")
    with writing() as session:
        newest, first = audit.entries(session)
        assert audit.verify(session).ok
    assert (newest.number, newest.act, newest.previous) == (2, "guide.withdraw", first.digest)
    assert (first.number, first.who, first.why, first.at, first.previous) == (1, "wangfang", "电", noon, GENESIS)
    assert first.detail == {"字段": ["a", None, True, 3], "小数": "1.5", "日": "2026-10-15", "坏": "xy?"}


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET why = '没有理由' WHERE number = 3", 3),
        ("UPDATE audit SET who = 'lina' WHERE number = 5", 5),
        ("UPDATE audit SET at = (SELECT at FROM audit WHERE number = 5) WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit", 1),
        ("DELETE FROM audit WHERE number > 3", 4),
        (
            "DELETE FROM audit WHERE number = 5; UPDATE audit_head SET number = 4,"
            " digest = (SELECT digest FROM audit WHERE number = 4)",
            5,
        ),
        ("UPDATE audit_head SET number = 3", 4),
        ("UPDATE audit_head SET digest = (SELECT digest FROM audit WHERE number = 5)", 6),
        (
            "UPDATE audit SET number = 99 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3;"
            " UPDATE audit SET number = 3 WHERE number = 99",
            2,
        ),
    ],
)
def test_what_is_changed_behind_its_back_is_found(
    tampering: str, broken: int, audit: Audit, writing: Writing, noon: datetime
) -> None:
    for n in range(5):
        write(audit, writing, noon + timedelta(minutes=n), f"guide.act{n}")
    with writing.begin() as session, by_force(session):
        for statement in tampering.split(";"):
            session.execute(text(statement))
    with writing() as session:
        verdict = audit.verify(session)
    assert (verdict.ok, verdict.broken, verdict.count) == (False, broken, broken - 1)
    assert verdict.told


def test_a_tail_that_was_cut_off_is_not_covered_up_by_going_on(audit: Audit, writing: Writing, noon: datetime) -> None:
    write(audit, writing, noon, "a.one", "a.two", "a.three")
    with writing.begin() as session, by_force(session):
        session.execute(text("DELETE FROM audit WHERE number = 3"))
        session.execute(text("UPDATE audit_head SET number = 2, digest = :made_up"), {"made_up": "ab" * 32})
    write(audit, writing, noon, "a.after")
    with writing() as session:
        assert audit.verify(session).broken == 3


def test_a_record_made_anew_without_the_key_is_found(audit: Audit, writing: Writing, noon: datetime) -> None:
    write(Audit(Vault([new_key()])), writing, noon, "a.one", "a.two")
    with writing() as session:
        assert audit.verify(session).broken == 1


def test_who_kept_an_old_head_is_found_by_a_line_of_the_log(audit: Audit, writing: Writing, noon: datetime) -> None:
    write(audit, writing, noon, "a.one")
    with writing() as session:
        head = session.scalars(select(AuditHead.digest)).one()
    with structlog.testing.capture_logs() as logged:
        write(audit, writing, noon, "a.two")
    (line,) = [one for one in logged if one["event"] == "audit"]
    assert set(line) == {"event", "log_level", "number", "act", "digest"}
    known = (line["number"], line["digest"])
    with writing() as session:
        assert audit.verify(session, known=known).ok
    with writing.begin() as session, by_force(session):
        session.execute(text("DELETE FROM audit WHERE number = 2"))
        session.execute(text("UPDATE audit_head SET number = 1, digest = :head"), {"head": head})
    with writing() as session:
        assert audit.verify(session).ok
        assert audit.verify(session, known=known).broken == 2
    write(audit, writing, noon, "a.other")
    with writing() as session:
        assert audit.verify(session, known=known).broken == 2


@pytest.mark.parametrize("statement", ["UPDATE audit SET why = 'x'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete(
    statement: str, audit: Audit, writing: Writing, noon: datetime
) -> None:
    write(audit, writing, noon, "a.one")
    with writing() as session, pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))
    with writing() as session:
        assert audit.verify(session).count == 1


def test_a_change_that_fails_leaves_neither_entry_nor_log(audit: Audit, writing: Writing, noon: datetime) -> None:
    with structlog.testing.capture_logs() as logged:
        with writing() as session:
            audit.record(session, who="wangfang", act="a.one", subject="guide:1", at=noon)
            session.rollback()
            audit.record(session, who="wangfang", act="a.two", subject="guide:1", at=noon)
            session.commit()
        with writing() as session:
            verdict = audit.verify(session)
    assert verdict.ok
    assert verdict.count == 1
    assert [(one["number"], one["act"]) for one in logged if one["event"] == "audit"] == [(1, "a.two")]


def test_twenty_at_once_make_one_line(audit: Audit, writing: Writing, noon: datetime) -> None:
    together = Barrier(5)

    def clerk(n: int) -> None:
        together.wait()
        for m in range(4):
            write(audit, writing, noon, f"clerk{n}.act{m}")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(clerk, range(5)))
    with writing() as session:
        verdict = audit.verify(session)
        acts = {one.act for one in audit.entries(session)}
    assert (verdict.ok, verdict.count, len(acts)) == (True, 20, 20)


# -- keys --


def test_older_entries_hold_after_their_key_was_left_out(writing: Writing, noon: datetime) -> None:
    one, two, three = KEY, new_key(), new_key()
    write(Audit(Vault([one])), writing, noon, "a.one")
    for keys in ([two, one], [three, two]):
        with writing.begin() as session:
            Audit(Vault(keys)).rotated(session, who="命令行", at=noon)
        write(Audit(Vault(keys)), writing, noon, "a.more")
    with writing() as session:
        assert Audit(Vault([three])).verify(session).ok
        assert Audit(Vault([one])).verify(session).broken == 2
        assert Audit(Vault([new_key()])).verify(session).broken == 1


# -- reading --


def test_entries_are_chosen_by_who_act_subject_time_and_region(audit: Audit, writing: Writing, noon: datetime) -> None:
    told = (
        ("wangfang", "guide.publish", "guide:1", "980102"), ("lina", "guide.return", "guide:12", "980200"),
        ("lina", "faq.write", "faq:a", "980100"), ("admin", "sign.in", "account:admin", ""),
    )  # fmt: skip
    for n, (who, act, subject, region) in enumerate(told):
        with writing.begin() as session:
            audit.record(session, who=who, act=act, subject=subject, region=region, at=noon + timedelta(hours=n))

    def numbers(**chosen: object) -> list[int]:
        with writing() as session:
            return [one.number for one in audit.entries(session, **chosen)]  # type: ignore[arg-type]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(who="lina") == [3, 2]
    assert numbers(act="guide.") == [2, 1]
    assert numbers(subject="guide:12") == [2]
    assert numbers(since=noon + timedelta(hours=1), until=noon + timedelta(hours=3)) == [3, 2]
    assert numbers(regions=["980100"]) == [4, 3, 1]
    assert numbers(regions=["980102"]) == [4, 1]
    assert numbers(regions=["000000"]) == [4, 3, 2, 1]
    assert numbers(act="%") == []
    assert numbers(limit=2) == [4, 3]
    assert numbers(limit=2, before=3) == [2, 1]


def test_the_export_runs_no_formulas_and_loses_nothing(audit: Audit, writing: Writing, noon: datetime) -> None:
    with writing.begin() as session:
        audit.record(session, who="wangfang", act="faq.write", subject="faq:a", why="=1+1\n第二行", at=noon)
        audit.record(session, who="wangfang", act="faq.switch", subject="faq:a", detail={"on": True}, at=noon)
    with writing() as session:
        table = "".join(lines(audit.every(session), Form.CSV))
        whole = [json.loads(line) for line in lines(audit.every(session), Form.JSONL)]
        digests = list(session.scalars(select(AuditRow.digest).order_by(AuditRow.number)))
    assert table.startswith("\ufeff编号")
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert [(row["编号"], row["时间"], row["理由"]) for row in rows] == [
        ("1", "2026-10-15 12:00:00", "'=1+1\n第二行"), ("2", "2026-10-15 12:00:00", ""),
    ]  # fmt: skip
    assert whole[0]["why"] == "=1+1\n第二行"
    assert whole[1]["detail"] == {"on": True}
    assert [one["digest"] for one in whole] == digests
