"""``python -m gradcheck_core``: the command `gradcheck`, in this Python."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
