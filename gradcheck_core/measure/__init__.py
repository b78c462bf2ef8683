"""Derivatives measured by differences of the cost, with an error bar for each."""
