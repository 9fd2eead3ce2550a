"""The staff's view of the ledger: read-only pages, the audit trail, and the two-person review."""
