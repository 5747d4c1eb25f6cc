"""The bureau's HTTP service: OpenID for Verifiable Credential Issuance 1.0, and what holders and clerks need beside it.

app       the application                                   manners        what belongs to every exchange
vci       token, nonce, credential, notification            authorize      real-name logins, the browser's side
holders   renewal and recovery by the holder's key          counter_routes the clerk's look-ups and offers
proxy_routes acting for others, on the principal's signature
heads     heads of wallets' access logs                     delivery       look-ups on their way to the wallet
worker    the one thread that owns the ledger and mints     proofs         holder keys prove themselves
tokens    access tokens and nonces                          limits, problems, answers, configurations, state
"""
