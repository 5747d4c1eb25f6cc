"""The bureau's HTTP service: OpenID for Verifiable Credential Issuance 1.0, and renewal for those who hold a key.

app       the application and what belongs to every request      vci      the endpoints
worker    the one thread that owns the ledger and mints          proofs   holder keys prove themselves
tokens    access tokens and nonces                                problems errors as RFC 9457 bodies
"""
