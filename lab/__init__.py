"""Long measurements. Their programs import what they share as lab."""
