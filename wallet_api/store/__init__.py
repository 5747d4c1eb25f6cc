"""Where the wallet keeps its rows: what is kept (`rows`), how it is read and written (`sql`), and on what (`sqlite`)."""
