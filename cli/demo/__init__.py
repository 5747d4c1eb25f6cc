"""`tally demo`: the whole way on a small synthetic city, from the bureau's records to a forger's disappointment.

command   the command, and the order of the story      narrator  one numbered step in the reader's language
bureau    records, minting, the month after            services  the bureau's and the wallet's service on the loopback
online    claim, request, consent, fetch, withdrawal   counter   QR to QR, and verification without a connection
forgers   one change each to an honest answer
"""

from cli.demo.command import demo

__all__ = ["demo"]
