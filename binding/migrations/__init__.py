"""Migrations of the ledger's tables; run when the process starts, on PostgreSQL under a lock."""
