"""Two implementations of one model held against each other, with finite differences as the referee."""
