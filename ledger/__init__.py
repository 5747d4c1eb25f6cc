"""The append-only Merkle ledger: a pure core, and edges for storage, sequencing and witnesses."""
