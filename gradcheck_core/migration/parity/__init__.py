"""Sides of a comparison, held against each other and against finite differences."""
