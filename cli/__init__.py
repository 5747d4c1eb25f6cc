"""The `tally` command: argv, files and exit codes."""
