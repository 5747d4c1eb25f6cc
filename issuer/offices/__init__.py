"""Offices of this bureau and their keys: delegated, rotated, ended, voided, each by a signed and logged key event.

kept        the key events of this home         events    how they are logged and published
tree        offices: add, suspend, remove       keys      rotate, retire, void, disown
cases       what two people decide about keys
"""
