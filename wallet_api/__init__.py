"""The citizen's safe and consents over HTTP. Still empty: it comes with its own issue."""
