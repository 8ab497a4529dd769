"""The tests. Their programs import what they share as tests.support."""
