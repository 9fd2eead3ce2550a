"""The staff's accounts: `python -m binding.staff add NAME | password NAME | disable NAME | list`; passwords on standard input."""

from __future__ import annotations

import getpass
import sys

import sqlalchemy as sa

from binding.database import reading, writing
from binding.migrate import alone, migrate
from binding.models import Staff
from binding.settings import settings
from binding.staff import people

USAGE = "usage: python -m binding.staff add NAME | password NAME | disable NAME | list"


def main() -> int:
    """Run one command; 2 for a wrong one, 1 for one that was refused."""
    arguments = sys.argv[1:]
    if not (arguments == ["list"] or (len(arguments) == 2 and arguments[0] in ("add", "password", "disable"))):
        sys.stderr.write(USAGE + "\n")
        return 2
    settings().home.mkdir(parents=True, exist_ok=True)
    with alone():
        migrate()
    if arguments == ["list"]:
        with reading() as session:
            for person in session.scalars(sa.select(Staff).order_by(Staff.username)):
                state = "active" if person.active else "disabled"
                sys.stdout.write(f"{person.username} {state}{' default password' if person.seeded else ''}\n")
        return 0
    command, username = arguments
    try:
        with writing() as session:
            if command == "disable":
                people.disable(session, username=username)
            elif command == "add":
                people.add(session, username=username, password=_password())
            else:
                people.set_password(session, username=username, password=_password())
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{username}: {command} done\n")
    return 0


def _password() -> str:
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


if __name__ == "__main__":
    raise SystemExit(main())
