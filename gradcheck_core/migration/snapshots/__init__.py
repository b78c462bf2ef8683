"""What one framework said of a model, in a file."""
