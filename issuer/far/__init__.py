"""A ledger that another organisation runs: entries go there over HTTP, and nothing it says is believed unverified.

outbox  what is on its way    client  the two requests    ledger  append, checkpoint, proofs, as minting needs them
"""
