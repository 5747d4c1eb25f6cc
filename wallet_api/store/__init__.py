"""Where the wallet keeps its rows: what (`rows`), how it is read and written (`sql`), on what (`sqlite`)."""
