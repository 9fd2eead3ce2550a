"""Notices: SMS and push messages in the account's language."""
