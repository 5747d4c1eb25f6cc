"""What the keeper of a home does beside the monthly run.

home_status  what there is          backup, restore  while it is at work; and back, with the rollback guard
audit        register and ledger    upgrade, pruning  newer versions; old records destroyed
"""
