"""Storms: many containers that live for a moment, and what mozu's alerts about their first instruction say of them."""
