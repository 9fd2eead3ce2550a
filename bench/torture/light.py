"""The backend with a payment password's hash that costs nothing: what is under test is what follows a right password.

`python -m bench.torture.light` serves like `python -m binding`.
"""

from __future__ import annotations

import sys

from argon2 import PasswordHasher

import binding.__main__
from binding.verification import passwords


def main() -> int:
    """Serve."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    return binding.__main__.main()


if __name__ == "__main__":
    sys.exit(main())
