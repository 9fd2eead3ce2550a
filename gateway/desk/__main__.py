"""People of the desk, by whoever runs it.

python -m gateway.desk add NAME --role agent|supervisor [--name 李娜] [--name-en "Li Na"]    (the password is read from standard input)
python -m gateway.desk disable NAME     who left: no sign-in any more, open sessions end
python -m gateway.desk enable NAME
python -m gateway.desk list
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from gateway import settings
from gateway.database import Database
from gateway.desk import audit, people


def main() -> None:
    """Adds a person or sets a new password; closes, opens and lists accounts."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway.desk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["add", "disable", "enable", "list"])
    parser.add_argument("username", nargs="?")
    parser.add_argument("--role", choices=people.ROLES, default="agent")
    parser.add_argument("--name", help="what customers and colleagues read")
    parser.add_argument("--name-en", help="what customers read instead whose talk is in English")
    given = parser.parse_args()
    if given.command != "list" and not given.username:
        parser.error("a user name is needed")
    password = _password() if given.command == "add" else ""
    database = Database(settings.load(os.environ).database_url)
    database.migrate()
    with database.session() as session:
        if given.command == "list":
            sys.stdout.writelines(line + "\n" for line in people.everybody(session))
        elif given.command == "add":
            people.add(
                session,
                username=given.username,
                password=password,
                role=given.role,
                name=given.name,
                name_en=given.name_en,
            )
            audit.write(session, agent="operator", action="person_set", who=given.username, role=given.role)
            sys.stdout.write(f"{given.username} may sign in at the desk now.\n")
        elif people.set_disabled(session, username=given.username, disabled=given.command == "disable"):
            may = "no longer" if given.command == "disable" else "again"
            sys.stdout.write(f"{given.username} may {may} sign in at the desk.\n")
        else:
            sys.exit(f"There is nobody called {given.username}.")


def _password() -> str:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < 12:
        sys.exit("The password needs 12 characters at least.")
    return password


if __name__ == "__main__":
    main()
