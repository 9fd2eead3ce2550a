"""What the ledger does."""
