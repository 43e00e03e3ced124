"""When a periodic inspection falls due, by a kind's ``InspectionRule``: once in Python, once in SQL.

Due dates are months: the anchor's month, so many years later, and the inspection is in time until that
month ends. TSG T7001-2023: years 1, 4, 7, 9, 11, 13, 15 after the supervised inspection, then yearly [M]; the
anchor is the acceptance month, and an inspection up to two months early does not move it [S]. What follows
from that is ours: an inspection fulfils every due date up to ``early_months`` after its own month, so that
one done late fulfils the missed date and the next one stays where it was; one before the anchor fulfils
nothing.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from itertools import count

from sqlalchemy import Date, Integer, case, cast, extract, func
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds.model import InspectionRule

Column = ColumnElement[date]
Number = ColumnElement[int]


def due_date(rule: InspectionRule, anchor: date, last: date | None) -> date:
    """The last day of the first due month that no inspection up to ``last`` fulfils."""
    begun = _month(anchor)
    fulfilled = max(begun, begun if last is None else _month(last)) + rule.early_months
    years = next(year for year in _years(rule) if begun + 12 * year > fulfilled)
    return _last_day(begun + 12 * years)


def due_date_sql(rule: InspectionRule, anchor: Column, last: Column) -> Column:
    """``due_date`` for a whole column; null where there is no anchor."""
    begun = _month_sql(anchor)
    gap = func.greatest(begun, _month_sql(last)) - begun + rule.early_months
    final = rule.years[-1]
    further = (gap - 12 * final) // (12 * rule.then_every) + 1
    years = case(*((gap < 12 * year, year) for year in rule.years), else_=final + rule.then_every * further)
    months = func.make_interval(0, cast(12 * years + 1, Integer()))
    return cast(func.date_trunc("month", anchor) + months - func.make_interval(0, 0, 0, 1), Date())


def _years(rule: InspectionRule) -> Iterator[int]:
    yield from rule.years
    yield from count(rule.years[-1] + rule.then_every, rule.then_every)


def _month(day: date) -> int:
    """Months since the year 0."""
    return 12 * day.year + day.month - 1


def _last_day(month: int) -> date:
    year, number = month // 12, month % 12 + 1
    return date(year, number, calendar.monthrange(year, number)[1])


def _month_sql(day: Column) -> Number:
    return cast(12 * extract("year", day) + extract("month", day) - 1, Integer())
