from datetime import UTC, date, datetime, timedelta

import pytest

from core import clock


def test_now_knows_its_zone():
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 10, 14, 15, 59, 59, tzinfo=UTC), date(2026, 10, 14)),
        (datetime(2026, 10, 14, 16, 0, tzinfo=UTC), date(2026, 10, 15)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_the_day_turns_at_midnight_in_china(monkeypatch, moment, day):
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert clock.today() == day
