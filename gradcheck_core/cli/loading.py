"""Loading the cases that FILE::NAME stands for."""

import importlib.util
import inspect
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ..case import GradientCase
from ..errors import InvalidInputError


def load_cases(target: str) -> list[GradientCase]:
    """Load the cases of ``FILE.py``, or the one of ``FILE.py::NAME``, each with its name filled in.

    Parameters
    ----------
    target : str
        A Python file, and after ``::`` the name of a module-level `GradientCase` or of a function without arguments
        that returns one. Without a name: every module-level `GradientCase` of the file, in order.

    Raises
    ------
    InvalidInputError
        If the file or the name does not exist, or is not a case.
    """
    file, _, name = target.partition("::")
    path = Path(file)
    if not path.is_file():
        msg = f"{file}: there is no such file; pass a Python file, or FILE.py::NAME"
        raise InvalidInputError(msg)
    module = _execute(path)
    if name:
        return [_load_one(module, name, target)]
    cases = [(key, value) for key, value in vars(module).items() if isinstance(value, GradientCase)]
    if not cases:
        functions = [key for key, value in vars(module).items() if _is_own_function(value, module)]
        known = f"; it has the functions {', '.join(functions)}" if functions else ""
        msg = (
            f"{file}: no module-level GradientCase in it; define one, or name a function that returns one: "
            f"{file}::NAME{known}"
        )
        raise InvalidInputError(msg)
    return [replace(case, name=case.name or key) for key, case in cases]


def _execute(path: Path) -> ModuleType:
    name = f"gradcheck_case_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is not a Python file; pass FILE.py or FILE.py::NAME"
        raise InvalidInputError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    sys.path.insert(0, str(path.resolve().parent))  # as `python FILE` does
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _is_own_function(value: object, module: ModuleType) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__ and not inspect.signature(value).parameters


def _load_one(module: ModuleType, name: str, target: str) -> GradientCase:
    value = vars(module).get(name)
    what = f"is {type(value).__name__}" if name in vars(module) else "does not exist"
    if callable(value) and not isinstance(value, GradientCase):
        try:
            inspect.signature(value).bind()
        except TypeError as error:
            msg = f"{target}: `{name}` needs arguments ({error}); name a function that needs none"
            raise InvalidInputError(msg) from error
        value = value()
        what = f"returned {'None' if value is None else type(value).__name__}"
    if not isinstance(value, GradientCase):
        found = [key for key, other in vars(module).items() if isinstance(other, GradientCase)]
        msg = (
            f"{target}: `{name}` {what}; name a GradientCase or a function that returns one; "
            f"cases in the file: {', '.join(found) or 'none'}"
        )
        raise InvalidInputError(msg)
    return replace(value, name=value.name or name)
