"""From a case to its report: the conductor, the precision, the judgement and the diagnosis."""
