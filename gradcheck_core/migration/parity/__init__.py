"""Sides of a comparison, compared with each other and with finite differences."""
