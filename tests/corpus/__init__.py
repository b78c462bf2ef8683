"""The project's own mutation corpus: models with gradients derived by hand, and labelled claims about them."""
