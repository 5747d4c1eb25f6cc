"""Where the wallet keeps its rows.

`rows` says what a row is, `schema` which tables there are, `safes` … `log_rows` how each topic is read and written,
`sql` what a transaction is, `sqlite` on what it runs.
"""
