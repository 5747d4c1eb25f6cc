"""Bytes in, report out, offline."""
