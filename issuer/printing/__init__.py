"""Printing for others: bank branches, kiosks and HR desks hold no signing key; they ask the bureau for a finished page.

clients     who may print what for whom: own token, own scope     pages     which claims a page shows
printer     the scope held against one wish, and the page
"""
