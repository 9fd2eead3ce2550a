"""Verification: one-time codes, payment passwords, secure pages."""
