"""The desk as channels use it."""

from __future__ import annotations

import pytest

from core.errors import Invalid
from desk.appointments import NoAppointment, Status
from desk.front import FrontDesk, Offer
from tests.desk.conftest import ZHANG, Watch, at


def test_what_was_booked_is_shown_to_its_owner_alone(desk: FrontDesk, offer: Offer, watch: Watch) -> None:
    made = desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    assert desk.mine("web:a") == (made,)
    assert desk.mine("web:b") == ()


def test_number_and_code_prove_an_appointment(desk: FrontDesk, offer: Offer, watch: Watch) -> None:
    made = desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    held = desk.held(made.id)
    assert held.details is not None
    assert desk.prove(f"{made.number[:5]} {made.number[5:]}", held.details.code) == made
    with pytest.raises(NoAppointment):
        desk.prove(made.number, "000000" if held.details.code != "000000" else "111111")
    with pytest.raises(Invalid):
        desk.prove(made.number[::-1][:9], held.details.code)


def test_a_slip_opens_its_own_appointment_and_nothing_else_does(desk: FrontDesk, offer: Offer, watch: Watch) -> None:
    made = desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    slip = desk.slip(made)
    assert desk.by_slip(slip) == made
    for wrong in (slip[:-2], slip.swapcase(), "", "张三", str(made.id)):
        with pytest.raises(NoAppointment):
            desk.by_slip(wrong)


def test_an_appointment_can_be_moved_to_the_other_hall_and_cancelled(
    desk: FrontDesk, offer: Offer, watch: Watch
) -> None:
    made = desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    moved = desk.change(made.id, offer.windows[1].id, at(watch.tomorrow, 10), by="web:a")
    assert (moved.number, moved.hall, moved.starts) == (made.number, "西门政务服务中心", at(watch.tomorrow, 10))
    assert desk.cancel(made.id, by="web:a").status is Status.CANCELLED
    assert desk.mine("web:a") == ()


def test_details_are_given_again_to_who_booked_before(desk: FrontDesk, offer: Offer, watch: Watch) -> None:
    assert desk.last_person("web:a") is None
    desk.book(offer.published.id, offer.windows[0].id, at(watch.tomorrow, 9), ZHANG, owner="web:a", key="k")
    assert desk.last_person("web:a") == ZHANG
