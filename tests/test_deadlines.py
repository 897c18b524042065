"""Deadlines: days of the calendar, or working days between Kazakhstan's weekends and holidays."""

from datetime import UTC, date, datetime

import pytest

from bot.deadlines import last_day, local_day, moved_on

FRIDAY = date(2026, 12, 11)


def test_a_day_begins_at_midnight_in_kazakhstan() -> None:
    assert local_day(datetime(2026, 11, 21, 18, 59, tzinfo=UTC)) == date(2026, 11, 21)
    assert local_day(datetime(2026, 11, 21, 19, 0, tzinfo=UTC)) == date(2026, 11, 22)


def test_calendar_days_count_all_days() -> None:
    assert last_day(FRIDAY, 30, working=False) == date(2027, 1, 10)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(1, date(2026, 12, 14)), (2, date(2026, 12, 15)), (3, date(2026, 12, 17)), (5, date(2026, 12, 21))],
)
def test_working_days_leave_out_weekends_and_the_independence_day(days: int, expected: date) -> None:
    assert last_day(FRIDAY, days, working=True) == expected


def test_working_days_leave_out_the_spring_holidays_and_what_is_moved_to_a_monday() -> None:
    """In 2026 8 March is a Sunday, so that 9 March is free; 21 March is a Saturday."""
    assert last_day(date(2026, 3, 6), 1, working=True) == date(2026, 3, 10)


def test_a_pause_moves_a_deadline_by_its_days() -> None:
    assert moved_on(date(2026, 12, 10), FRIDAY, date(2026, 12, 14), working=False) == date(2026, 12, 13)
    assert moved_on(date(2026, 12, 10), FRIDAY, FRIDAY, working=False) == date(2026, 12, 10)


def test_a_pause_over_a_weekend_and_a_holiday_moves_working_days_only() -> None:
    """Friday to Thursday: Monday, Tuesday and Thursday were working days."""
    assert moved_on(date(2026, 12, 18), FRIDAY, date(2026, 12, 17), working=True) == date(2026, 12, 23)
    assert moved_on(date(2026, 12, 18), date(2026, 12, 12), date(2026, 12, 13), working=True) == date(2026, 12, 18)
