"""How a certificate comes to its owner: proofs of identity, keys that hold certificates, who looked at whose records.

identity      the one interface          offers, logins, counter   code and PIN, real-name login, a clerk
provider      the provider of logins     id_index                  which person has an identity number
holder_keys   keys in the register       recovery, proxies         a lost key; acting for somebody else
clerks        tokens of the counter      operator_log              every look-up by staff
lookup_outbox look-ups on their way to the citizen's wallet        own_file  the small files that these keep
"""
