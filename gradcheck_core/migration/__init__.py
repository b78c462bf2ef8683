"""Migrating a model from one framework to another: which parameter is which, and whether both compute the same."""
