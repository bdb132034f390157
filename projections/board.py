"""Answers that join views: the omissions board rolled up the tree, conformance by step, and what services ask."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from projections import cursor as cursors
from projections.conformance import CaseRow
from projections.ledger import ObligationRow
from projections.organisation import OrganisationRow
from projections.query import NOW, Views
from projections.standard import StandardRow
from projections.view import Row

Finding = Literal["omitted", "out_of_order", "without_predecessor", "repeated", "additional", "duty_conflict"]
FINDINGS: tuple[Finding, ...] = (
    "omitted",
    "out_of_order",
    "without_predecessor",
    "repeated",
    "additional",
    "duty_conflict",
)

# Seconds that a service waits for a view to see what it relies on.
PATIENCE = 10.0

HELD = "{0}.began <= %(at)s AND {0}.ended > %(at)s"
# Where views that may stand at different positions are joined: as known at one that both have folded.
THEN = "{0}.began <= (SELECT at FROM moment) AND {0}.ended > (SELECT at FROM moment)"


@dataclass(frozen=True)
class BoardLine:
    """Obligations of one organisation and all below it, in one area of work and period, by what they came to."""

    organisation: UUID
    code: str
    name: str
    area: str
    period: str
    total: int
    done: int
    late: int
    excused: int
    waived: int
    missing: int
    open: int


@dataclass(frozen=True)
class BoardPage:
    rows: list[BoardLine]
    known_at: int
    next: str | None


@dataclass(frozen=True)
class Count:
    """How many cases have a finding, and how many by step (or pair of steps, ``A → B``)."""

    cases: int
    by_step: dict[str, int]


@dataclass(frozen=True)
class Conformance:
    """A standard's cases held against its flow, counted in cases; ``steps`` counts completions."""

    cases: int
    steps: int
    faultless: int
    omitted: Count
    out_of_order: Count
    without_predecessor: Count
    repeated: Count
    additional: Count
    duty_conflict: Count

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Board:
    def __init__(self, views: Views) -> None:
        self._views = views

    def omissions(
        self,
        root: UUID | None,
        at: int = NOW,
        *,
        area: str | None = None,
        period: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> BoardPage:
        """Return the board of what stands directly below an organisation (None: where the scope begins), and of itself.

        Each line sums up the whole subtree, the first organisation's own obligations alone; in the
        order of code, area and period.
        """
        scope = self._views.scope
        top = "(unit.parent = %(root)s OR unit.key = %(root)s)"
        if root is None:
            # Where a reader's organisations begin, or the whole record does.
            top = "unit.key = ANY(%(roots)s)" if scope and scope.roots is not None else "unit.parent IS NULL"
        # Asked for only where it is given, so that one plan is as good as another for any of them.
        given = {"area": area, "period": period}
        chosen = " ".join(f"AND item.{name} = %({name})s" for name, value in given.items() if value is not None)
        after: list[Any] = []
        if cursor is not None:
            at, after = cursors.decode(cursor, (str, str, str, str))
        beyond = "WHERE (code, tops.key::text, area, period) > (%(code)s, %(key)s, %(last_area)s, %(last_period)s)"
        folded, lines = self._views.fetch_at(
            at,
            (OrganisationRow, ObligationRow),
            f"""
            WITH RECURSIVE moment AS (
                SELECT least(%(at)s, min(position)) AS at FROM {{views}}
                WHERE name IN ('organisation', 'ledger') AND NOT building
            ), tops AS (
                SELECT key, code, name, key <> %(root)s OR %(root)s IS NULL AS whole FROM {{Organisation}} AS unit
                WHERE {top} AND {THEN.format("unit")}
            ), units AS (
                SELECT key, key AS top, whole FROM tops
                UNION ALL
                SELECT unit.key, units.top, true FROM units JOIN {{Organisation}} AS unit ON unit.parent = units.key
                WHERE units.whole AND {THEN.format("unit")}
            ), sums AS (
                SELECT units.top, item.area, item.period, count(*) AS total,
                    count(*) FILTER (WHERE outcome = 'done') AS done, count(*) FILTER (WHERE outcome = 'late') AS late,
                    count(*) FILTER (WHERE outcome = 'excused') AS excused,
                    count(*) FILTER (WHERE outcome = 'waived') AS waived,
                    count(*) FILTER (WHERE outcome = 'missing') AS missing,
                    count(*) FILTER (WHERE outcome = 'open') AS open
                FROM units JOIN {{Obligation}} AS item ON item.organisation = units.key
                WHERE {THEN.format("item")} {chosen}
                GROUP BY units.top, item.area, item.period
            )
            SELECT tops.key, tops.key::text AS place, code, name, area, period,
                total, done, late, excused, waived, missing, open
            FROM sums JOIN tops ON tops.key = sums.top
            {beyond if after else ""}
            ORDER BY code, place, area, period LIMIT %(limit)s
            """,
            ("code", "place", "area", "period"),
            {
                "root": root,
                "roots": list(scope.roots or ()) if scope else [],
                "at": at,
                "area": area,
                "period": period,
                "limit": limit + 1,
                **dict(zip(("code", "key", "last_area", "last_period"), after, strict=False)),
            },
        )
        rows = [BoardLine(key, *line) for key, _, *line in lines[:limit]]
        known_at = min(at, folded)
        if len(lines) <= limit:
            return BoardPage(rows, known_at, None)
        last = rows[-1]
        return BoardPage(
            rows, known_at, cursors.encode(known_at, [last.code, last.organisation, last.area, last.period])
        )

    def conformance(self, standard: UUID, at: int = NOW) -> Conformance:
        """Return what a standard's cases, under all its versions, come to."""
        if at == NOW:
            # One moment for both queries.
            at = self._views.position("conformance")
        lists = ", ".join(f"('{name}', {name})" for name in FINDINGS)
        _, [(cases, steps, faultless, *having)] = self._views.fetch_at(
            at,
            (CaseRow,),
            f"""
            SELECT count(*) AS cases, coalesce(sum(steps), 0)::bigint, count(*) FILTER (WHERE faultless),
                {", ".join(f"count(*) FILTER (WHERE cardinality({name}) > 0)" for name in FINDINGS)}
            FROM {{Case}} AS found WHERE standard = %(standard)s AND {HELD.format("found")}
            """,
            ("cases",),
            {"standard": standard, "at": at},
        )
        _, named = self._views.fetch_at(
            at,
            (CaseRow,),
            f"""
            SELECT finding, step, count(*) FROM {{Case}} AS found, LATERAL (VALUES {lists}) AS listed(finding, steps),
                unnest(listed.steps) AS step
            WHERE standard = %(standard)s AND {HELD.format("found")} GROUP BY finding, step
            """,
            ("finding", "step"),
            {"standard": standard, "at": at},
        )
        counts = {
            name: Count(count, {step: n for finding, step, n in named if finding == name})
            for name, count in zip(FINDINGS, having, strict=True)
        }
        return Conformance(cases, steps, faultless, **counts)

    def live_children(self, organisation: UUID, position: int) -> int:
        """Count the organisations below one that are not dissolved, as known at a position or later."""
        self._views.wait("organisation", position, PATIENCE)
        _, [(count,)] = self._views.fetch_at(
            position,
            (OrganisationRow,),
            "SELECT count(*) AS live FROM {Organisation} AS unit"
            f" WHERE parent = %(key)s AND standing <> 'dissolved' AND {HELD.format('unit')}",
            ("live",),
            {"key": organisation, "at": NOW},
        )
        return int(count)

    def subject_to(self, levels: Sequence[str], settings: Sequence[str], below: UUID | None) -> Iterator[UUID]:
        """Yield the live organisations of these levels and settings (empty: of any), all or those below one."""
        tree = f"""
            WITH RECURSIVE units AS (
                SELECT key, level, setting, standing FROM {{Organisation}} AS unit
                WHERE key = %(below)s AND {HELD.format("unit")}
                UNION ALL
                SELECT unit.key, unit.level, unit.setting, unit.standing
                FROM units JOIN {{Organisation}} AS unit ON unit.parent = units.key WHERE {HELD.format("unit")}
            )"""
        every = f"WITH units AS (SELECT * FROM {{Organisation}} AS unit WHERE {HELD.format('unit')})"
        chosen = """
            SELECT key FROM units WHERE standing = 'live' AND key > %(after)s
                AND (%(levels)s::text[] = '{{}}' OR level = ANY(%(levels)s))
                AND (%(settings)s::text[] = '{{}}' OR setting = ANY(%(settings)s))
            ORDER BY key LIMIT 10000
            """
        parameters = {"below": below, "levels": list(levels), "settings": list(settings), "at": NOW}
        yield from self._keys((OrganisationRow,), (tree if below else every) + chosen, parameters)

    def overdue(self, today: date) -> Iterator[UUID]:
        """Yield the obligations that are open and were due before a day.

        Not those of an organisation that had been dissolved by the time they were due, nor what a standard asked for a
        period and was due when it had been retired.
        """
        yield from self._keys(
            (ObligationRow, OrganisationRow, StandardRow),
            f"""SELECT key FROM {{Obligation}} AS item
                WHERE outcome = 'open' AND due < %(today)s AND {HELD.format("item")}
                AND NOT (soft AND exception = 'explained') AND NOT EXISTS (
                    SELECT FROM {{Organisation}} AS unit WHERE unit.key = item.organisation
                    AND unit.standing = 'dissolved' AND unit.dissolved_on <= item.due AND {HELD.format("unit")}
                ) AND NOT EXISTS (
                    SELECT FROM {{Standard}} AS rule WHERE rule.key = item.standard AND item.period <> ''
                    AND rule.retired_on <= item.due AND {HELD.format("rule")}
                ) AND key > %(after)s ORDER BY key LIMIT 10000""",
            {"today": today, "at": NOW},
        )

    def terms_over(self, today: date) -> Iterator[UUID]:
        """Yield the organisations with a term of office that ran out before a day, of which no end is recorded."""
        yield from self._keys(
            (OrganisationRow,),
            f"""SELECT key FROM {{Organisation}} AS unit
                WHERE {HELD.format("unit")} AND key > %(after)s AND EXISTS (
                    SELECT FROM jsonb_to_recordset(terms) AS term(until date, settled boolean)
                    WHERE NOT settled AND until < %(today)s
                ) ORDER BY key LIMIT 10000""",
            {"today": today, "at": NOW},
        )

    def _keys(self, kinds: Sequence[type[Row]], query: str, parameters: dict[str, Any]) -> Iterator[UUID]:
        after = UUID(int=0)
        while keys := self._views.fetch(kinds, query, {**parameters, "after": after}):
            yield from (key for (key,) in keys)
            after = keys[-1][0]
