"""The verdicts about all cases in one framework, as JSON: `python -m corpus.verdicts numpy`."""

import importlib
import json
import sys

from corpus import running
from corpus.catalogue import CASES

NOT_MADE = "not made"


def verdicts(kit):
    return {
        case.name: {
            precision: _verdict(kit, case, precision)
            if precision in running.precisions(kit.name, case.claim)
            else NOT_MADE
            for precision in running.PRECISIONS
        }
        for case in CASES
    }


def _verdict(kit, case, precision):
    try:
        return str(running.check(kit, case, precision).verdict)
    except Exception as error:  # an error is a result too, and the table shows it
        return type(error).__name__


if __name__ == "__main__":
    framework = importlib.import_module(sys.argv[1])
    found = verdicts(importlib.import_module(f"{sys.argv[1]}_kit").KIT)
    sys.stdout.write(json.dumps({"version": framework.__version__, "verdicts": found}))
