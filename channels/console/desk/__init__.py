"""The pages of the desk: halls and their rules, days, the calendar."""

from fastapi import APIRouter

from channels.console.desk import calendar, days, halls, months, rules

router = APIRouter()
for part in (halls, rules, days, months, calendar):
    router.include_router(part.router)
