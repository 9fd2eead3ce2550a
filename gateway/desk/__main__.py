"""`python -m gateway.desk add NAME --role agent|supervisor [--name "Li Na"]`: the password is read from standard input."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from gateway import settings
from gateway.database import Database
from gateway.desk import people


def main() -> None:
    """Adds a person, or sets a new password."""
    parser = argparse.ArgumentParser(prog="python -m gateway.desk", description=__doc__)
    parser.add_argument("command", choices=["add"])
    parser.add_argument("username")
    parser.add_argument("--role", choices=people.ROLES, default="agent")
    parser.add_argument("--name")
    given = parser.parse_args()
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < 12:
        sys.exit("The password needs 12 characters at least.")
    database = Database(settings.load(os.environ).database_url)
    database.migrate()
    with database.session() as session:
        people.add(session, username=given.username, password=password, role=given.role, name=given.name)
    sys.stdout.write(f"{given.username} may sign in at the desk now.\n")


if __name__ == "__main__":
    main()
