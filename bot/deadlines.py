"""Deadlines: days counted by the calendar, or working days of Kazakhstan. Pure."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

_TIME_ZONE = ZoneInfo("Asia/Almaty")


def local_time(moment: datetime) -> datetime:
    """What the clock on the wall shows in Kazakhstan."""
    return moment.astimezone(_TIME_ZONE)


def local_day(moment: datetime) -> date:
    """The day that it is in Kazakhstan."""
    return local_time(moment).date()


def last_day(start: date, days: int, *, working: bool) -> date:
    """The last of so many days; the first one is the day after `start`."""
    return _calendar().get_nth_working_day(start, days) if working else start + timedelta(days=days)


def moved_on(deadline: date, stopped: date, resumed: date, *, working: bool) -> date:
    """A deadline after a pause, later by the days that the pause took."""
    days = (resumed - stopped).days
    if not working:
        return deadline + timedelta(days=days)
    paused = sum(_calendar().is_working_day(stopped + timedelta(days=day)) for day in range(1, days + 1))
    return _calendar().get_nth_working_day(deadline, paused)


@cache
def _calendar() -> HolidayBase:
    return country_holidays("KZ")
