"""The test suite; never shipped. A package of its own name, because merkletools installs one called tests."""
