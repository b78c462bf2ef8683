"""A model carried from one framework to another: snapshots of its gradients, and what the two say of each other."""
