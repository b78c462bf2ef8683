"""The exception tree: everything this project raises on purpose derives from `GradcheckError`."""


class GradcheckError(Exception):
    """Base of every error that the project raises on purpose."""


class InvalidInputError(GradcheckError, ValueError):
    """An argument is not what the call needs; the message says what came and what to pass instead."""


class UnknownBackendError(GradcheckError):
    """No backend has the name asked for, or none claims the parameters."""


class BackendUnavailableError(GradcheckError):
    """The backend is known but its framework, or the plugin itself, cannot be imported here."""


class InvalidBackendError(GradcheckError):
    """A plugin was found but is not a usable `Backend`, or two plugins claim one name."""


class MissingExtraError(GradcheckError, ImportError):
    """Something needs an extra that is not installed; the message has the command that installs it."""


class NonDeterministicCostError(GradcheckError):
    """The cost gives two values at the same theta, so differences of it would measure its noise."""


class NonFiniteCostError(GradcheckError):
    """The cost is NaN or infinite where a difference needs it."""


class WorkersLostError(GradcheckError):
    """The worker processes of a check ended twice in a row before any of them answered."""


class SnapshotError(GradcheckError):
    """A file is not a usable snapshot, or a snapshot cannot be written; the message says which it is."""


class MappingError(GradcheckError, ValueError):
    """A mapping between two models' parameters is malformed, or does not fit the values that it is applied to."""


class GradientCheckError(GradcheckError, AssertionError):
    """A check did not pass; the message is the report."""
