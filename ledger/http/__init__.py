"""The ledger over HTTP: the log for readers, witnesses, and the clients of both."""
