"""When inspections fall due: the rule of elevators by examples, and any rule against its plain definition."""

from __future__ import annotations

import calendar
from datetime import date

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from twin.kinds import kind
from twin.kinds.model import InspectionRule
from twin.reports.due import due_date

RULE = kind("elevator").inspection
assert RULE is not None

days = st.dates(date(1950, 1, 1), date(2200, 12, 31))
rules = st.builds(
    InspectionRule,
    anchor=st.just("acceptance_date"),
    years=st.lists(st.integers(1, 20), min_size=1, max_size=7, unique=True).map(lambda y: tuple(sorted(y))),
    then_every=st.integers(1, 5),
    early_months=st.integers(0, 6),
    source=st.just("ours"),
)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, "2011-05-31"),  # nothing since the acceptance: the first year's is still to be done
        ("2010-12-01", "2011-05-31"),  # too early to be the first year's
        ("2011-03-01", "2014-05-31"),  # two months early fulfils it, and the anchor stays
        ("2011-02-28", "2011-05-31"),  # a day earlier does not
        ("2011-05-31", "2014-05-31"),
        ("2013-01-10", "2014-05-31"),  # late: it fulfils what was missed, the next stays where it was
        ("2014-04-02", "2017-05-31"),
        ("2017-05-01", "2019-05-31"),
        ("2019-05-01", "2021-05-31"),
        ("2021-05-01", "2023-05-31"),
        ("2023-05-01", "2025-05-31"),
        ("2025-05-01", "2026-05-31"),  # from the fifteenth year on every year
        ("2026-03-01", "2027-05-31"),
        ("2009-01-01", "2011-05-31"),  # before the supervised inspection: it fulfils nothing
    ],
)
def test_an_elevator_accepted_in_may_2010(last: str | None, due: str) -> None:
    done = None if last is None else date.fromisoformat(last)
    assert due_date(RULE, date(2010, 5, 17), done) == date.fromisoformat(due)


def test_a_due_month_ends_with_its_last_day() -> None:
    assert due_date(RULE, date(2023, 2, 28), None) == date(2024, 2, 29)
    assert due_date(RULE, date(2024, 2, 29), None) == date(2025, 2, 28)


def defined(rule: InspectionRule, anchor: date, last: date | None) -> date:
    """The definition, month by month: the first due month that nothing fulfils."""
    done = anchor if last is None or last < anchor else last
    years = [*rule.years, *(rule.years[-1] + rule.then_every * n for n in range(1, 400))]
    for year in years:
        month = anchor.replace(day=1) + relativedelta(years=year)
        if done < month - relativedelta(months=rule.early_months):
            return month.replace(day=calendar.monthrange(month.year, month.month)[1])
    raise AssertionError("never")


@given(rules, days, st.none() | days)
def test_due_is_the_first_month_that_nothing_fulfils(
    rule: InspectionRule, anchor: date, last: date | None
) -> None:
    assert due_date(rule, anchor, last) == defined(rule, anchor, last)


@given(days, days, days)
def test_a_later_inspection_never_makes_an_earlier_date(anchor: date, one: date, other: date) -> None:
    first, second = sorted((one, other))
    assert due_date(RULE, anchor, first) <= due_date(RULE, anchor, second)
