"""The bureau: records in, certificates out."""
