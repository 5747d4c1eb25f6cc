"""Where a ledger keeps its entries: the contract in `base`, SQLite in `sqlite`, the tree over either in `tree`."""
