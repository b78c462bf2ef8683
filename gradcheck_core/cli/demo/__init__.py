"""The demonstration: one small network on Fisher's Iris data, in every installed framework."""
