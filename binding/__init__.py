"""The backend: the ledger of cards, wallets, agreements and operations, and the authority over them."""
