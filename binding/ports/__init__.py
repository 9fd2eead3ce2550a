"""Doors to other machines: the bank, the phone company, the gateway."""
