"""Where a ledger keeps its entries: the contract in `base`, SQLite in `sqlite`, PostgreSQL in `postgres`, which of the
two in `opening`, the tree over either in `tree`.
"""
