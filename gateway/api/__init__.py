"""The HTTP routes. They read, call, and answer; nothing is decided here."""
