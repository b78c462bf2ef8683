"""Write the pages on verdicts and diagnoses from the texts in the code: `python docs/explanation_pages.py`."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from gradcheck_core.cli.explanations import VERDICTS
from gradcheck_core.diagnosis.kinds import EXPLANATIONS, Explanation

DOCS = Path(__file__).parent

_DIAGNOSIS = """# Diagnosis

If a claimed gradient is wrong, the report says what the mistake looks like.
`ParameterReport.diagnosis` has a `kind`, a `sentence` that names the tensor, the place and the
number, and `fit`, the share of the squared discrepancy between claimed and numeric gradient that
the mistake explains.

- Known mistakes are tried from the simplest to those with the most freedom, and the first that
  explains the discrepancy is named. It needs a fit of at least 0.99. If a number was fitted or one
  of several possibilities chosen, the rest has to be noise or at most a thousandth. Many mistakes,
  such as a forgotten derivative, leave no pattern and get no diagnosis.
- Nothing is named if the discrepancy is not far above the error bars of the differences, or if
  chance could produce the same. For everything that is fitted or chosen, more entries have to
  agree.
- Two mistakes can make the same numbers: two reversed entries look the same as two shifted by one.
  Then the simpler kind is named. A parameter with one entry can show a sign, a whole factor or
  another's gradient; any other mistake in it is a `single_entry`.
- If all wrong parameters share a mistake (a factor, a sign, a regulariser), the report says so: it
  is usually in the derivative of the loss.
- If several parameters are wrong, `report.worst` is the one to look at first. A mistake in one
  layer's backward pass is passed on to all layers before it. So `report.worst` is the wrong
  parameter nearest to the cost, by the order of theta (or by the numbers in the names if these are
  sorted, as in a JAX pytree). A parameter with a mistake that is never passed on, such as a
  transpose, comes before it.
- After a check along random directions, only the entries that were measured one by one are used.
  They are enough to recognise a sign, a factor, a term or a place, but not an order.

[What the diagnosis says of the corpus](diagnoses.md) counts how often the names are right on the
[mutation corpus](corpus.md).
"""


_VERDICTS = """# Verdicts

This page says what each verdict means, where it comes from and what to do. `gradcheck explain BUG`
prints the same, and `gradcheck explain scaled` does so for a [mistake](diagnosis.md). The
thresholds are those of `VerdictPolicy()`; [the method](method.md) says how they are applied.
"""


def pages() -> dict[Path, str]:
    """What each page has to be."""
    return {
        DOCS / "diagnosis.md": _page(_DIAGNOSIS, EXPLANATIONS),
        DOCS / "verdicts.md": _page(_VERDICTS, {verdict.value: text for verdict, text in VERDICTS.items()}),
    }


def _page(head: str, texts: Mapping[str, Explanation]) -> str:
    sections = [
        f"## {name}\n\n{_wrap(text.means)}\n\n"
        f"{_wrap(f'**Where it comes from.** {text.cause}')}\n\n{_wrap(f'**What to do.** {text.cure}')}\n"
        for name, text in texts.items()
    ]
    return "\n".join([head, *sections])


def _wrap(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
