"""The formats: what issuer, holder and verifier all speak. Encoding and decoding of one format share one module."""
