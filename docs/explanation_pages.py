"""Write the pages on verdicts and diagnoses from the texts in the code: `python docs/explanation_pages.py`."""

from collections.abc import Mapping
from pathlib import Path

from gradcheck_core.cli.explanations import VERDICTS
from gradcheck_core.diagnosis.explanations import EXPLANATIONS, Explanation

DOCS = Path(__file__).parent

_DIAGNOSIS = """# Diagnosis

Where a claimed gradient is wrong the report says what the mistake looks like: `ParameterReport.diagnosis` has its
`kind`, a `sentence` for a person that names the tensor, the place and the number, and `fit`, the share of the squared
discrepancy between claimed and numeric gradient that the mistake explains.

- Known mistakes are tried from the simplest to those with most freedom, and the first that explains the discrepancy
  is named; there is none below a fit of 0.99, and where a number was fitted or one of several possibilities chosen,
  what remains has to be noise or a thousandth. Most mistakes on the way, such as a forgotten derivative, leave no
  pattern: they have no diagnosis.
- Nothing is named where the discrepancy is not far above the error bars of the differences, or where chance could do
  the same: what is fitted or chosen is paid for with entries that have to agree.
- Two mistakes can make the same numbers. Of two entries reversed is the same as shifted by one; then the simpler kind
  is named. A parameter with one entry can show a sign, a whole factor or another's gradient; what else is wrong with
  it is a `single_entry`.
- A mistake that all wrong parameters share (a factor, a sign, a regulariser) is said to be in all of them: it is
  mostly made in the derivative of the loss.
- Of several wrong parameters `report.worst` is the one to look at first. A mistake in one layer's backward pass goes
  on to all layers before it, so that is the one nearest to the cost by the order of theta (or by the numbers in their
  names where these are sorted, as in a JAX pytree); but one with a mistake that is never passed on, such as a
  transpose, comes before it.
- After a check by random directions only the entries that were measured one by one are looked at, which is enough for
  a sign, a factor, a term or a place, and not for an order.

How often the names are right on the [mutation corpus](corpus.md) is counted on [a page of its own](diagnoses.md).
"""


_VERDICTS = """# Verdicts

What each verdict means, where it comes from and what to do. `gradcheck explain BUG` prints the same, and so does
`gradcheck explain scaled` of a [mistake](diagnosis.md). The thresholds are those of `VerdictPolicy()`; how they are
applied is in [the method](method.md).
"""


def pages() -> dict[Path, str]:
    """What each page has to be."""
    return {
        DOCS / "diagnosis.md": _page(_DIAGNOSIS, EXPLANATIONS),
        DOCS / "verdicts.md": _page(_VERDICTS, {verdict.value: text for verdict, text in VERDICTS.items()}),
    }


def _page(head: str, texts: Mapping[str, Explanation]) -> str:
    sections = [
        f"## {name}\n\n{text.means}\n\n**Where it comes from.** {text.cause}\n\n**What to do.** {text.cure}\n"
        for name, text in texts.items()
    ]
    return "\n".join([head, *sections])


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
