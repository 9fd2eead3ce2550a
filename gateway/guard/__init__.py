"""What a customer's text goes through before anything else sees it. Pure functions; no network, no clock but the one given."""

from gateway.guard.check import Guarded, TextEmpty, TextTooLong, guard
from gateway.guard.mask import redact

__all__ = ["Guarded", "TextEmpty", "TextTooLong", "guard", "redact"]
