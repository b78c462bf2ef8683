"""J at perturbed thetas: in this process, in others, or from the journal of an earlier run."""
