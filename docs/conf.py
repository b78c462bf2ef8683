"""Sphinx configuration."""

project = "gradcheck"
author = "The gradcheck authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "gradcheck"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_preprocess_types = True
# classes that docstrings call by their own name, as users see them
napoleon_type_aliases = {
    "Diagnosis": "gradcheck_core.Diagnosis",
    "GradientCase": "gradcheck_core.GradientCase",
    "GradientReport": "gradcheck_core.GradientReport",
    "Input": "gradcheck_core.migration.snapshots.inputs.Input",
    "Pair": "gradcheck_core.migration.parity.rows.Pair",
    "ParameterReport": "gradcheck_core.ParameterReport",
    "Piece": "gradcheck_core.migration.entries.Piece",
    "SideReport": "gradcheck_core.migration.parity.report.SideReport",
    "Verdict": "gradcheck_core.Verdict",
}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
nitpicky = True
nitpick_ignore = [
    ("py:class", "numpy.ndarray"),  # NumPy's documentation is not at hand when this is built
    ("py:class", "pathlib.Path"),  # nor is Python's
    ("py:class", "Pictures"),  # what pages and plots are drawn from; nobody else reads it
]
# Types in docstrings are words for people too, as numpydoc has them: mapping, callable, array_like.
nitpick_ignore_regex = [("py:class", "[a-z_ ]+")]
