"""`/api/desk/v1/reports`: figures for supervisors, as JSON and as CSV."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import Language
from gateway.desk import audit, csv_table, reports
from gateway.desk.problems import DeskProblem
from gateway.models import now
from gateway.problems import Problem
from gateway.routes import Route

router = APIRouter(route_class=Route)


async def made(
    who: Who,
    request: Request,
    begin: Annotated[date | None, Query(alias="from")] = None,
    to: date | None = None,
    channel: Annotated[str | None, Query(max_length=40)] = None,
    language: Language | None = None,
) -> dict[str, Any]:
    """Returns the report that was asked for: the last 30 days by default, 92 at most."""
    if not who.supervisor:
        raise Problem("forbidden")
    services = services_of(request)
    last = to or now().astimezone(ZoneInfo(services.settings.desk_timezone)).date()
    first = begin or last - timedelta(days=29)
    if not timedelta(0) <= last - first < timedelta(days=reports.LONGEST_SPAN) or first.year < 2000 or last.year > 9000:
        raise DeskProblem("invalid_request", f"Choose 1 to {reports.LONGEST_SPAN} days.", status=422)
    found = await services.database.read(
        reports.report,
        first=first,
        last=last,
        zone=services.settings.desk_timezone,
        channel=channel,
        language=language,
    )
    await services.database.write(
        audit.write, agent=who.username, action="report", first=found["from"], last=found["to"]
    )
    return found


Made = Annotated[dict[str, Any], Depends(made, scope="function")]


@router.get("/reports")
async def shown(report: Made) -> dict[str, Any]:
    """Shows the figures of some days."""
    return report


@router.get("/reports.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def as_csv(
    report: Made,
    table: Literal[
        "days",
        "channels",
        "languages",
        "reasons",
        "wrap_ups",
        "questions",
        "unanswered",
        "funnel",
        "suggestions",
        "agents",
    ] = "days",
) -> Response:
    """Downloads one table."""
    name = f"{table}-{report['from']}-{report['to']}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    rows = report[table] if isinstance(report[table], list) else [report[table]]
    return Response(csv_table.table(rows), media_type="text/csv; charset=utf-8", headers=headers)
