"""What migrations get wrong, changed in what a PyTorch cost calls."""

from .alterations import find_alterations as find_alterations
