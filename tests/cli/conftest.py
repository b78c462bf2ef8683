import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def gradcheck():
    """The installed command, run as a process of its own."""
    command = shutil.which("gradcheck", path=str(Path(sys.executable).parent))
    assert command is not None, "the command `gradcheck` is not installed beside this Python"

    def run(*arguments, **options):
        return subprocess.run([command, *arguments], capture_output=True, text=True, check=False, **options)

    return run
