"""The halls, and which of them take appointments."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from channels.console.clerks import AtWork
from channels.console.desk.places import At, Here
from channels.console.forms import Posted
from channels.console.pages import page, redirect
from channels.house import House
from channels.web import day_lists, desk_changes
from staff.permissions import Act

router = APIRouter()


@router.get("/console/desk", response_class=HTMLResponse)
def listed(request: Request, clerk: AtWork) -> Response:
    """The halls that the clerk may look into."""
    house = House.of(request)
    with house.reading() as session:
        every = day_lists.every_hall(house, session)
    shown = [(Here(hall, clerk), rules) for hall, rules in every if clerk.may(Act.READ_DESK, hall.region)]
    return page(
        request, clerk, "desk/halls.html", title="预约", halls=shown, today=house.today(),
        serves=clerk.anywhere(Act.SERVE_DESK),
    )  # fmt: skip


@router.post("/console/desk/shut")
def shut(request: Request, here: At, sent: Posted) -> Response:
    """Take no more appointments at a hall."""
    here.require(Act.MANAGE_DESK)
    desk_changes.shut_hall(House.of(request), here.clerk.name, here.hall.region, here.hall.name)
    told = f"{here.hall.name}已停止接受预约。已经约好的照常办理。"
    return redirect(request, "/console/desk", told=told)
