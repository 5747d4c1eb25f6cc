"""One question to many people: the organisation's list in, a signed request each, answers verified, a table out."""
