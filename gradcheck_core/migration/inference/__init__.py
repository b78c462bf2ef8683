"""Which parameter is which: found from values, then from structure and names."""
