"""The errors of the project, each with what a caller needs to act.

This module imports nothing: Airflow's retry policies import it while they parse DAG files.
"""


class WebscaleError(Exception):
    """Base of all errors raised on purpose by this package."""


class ConfigurationError(WebscaleError):
    """A setting is wrong. The message is one line that says what to change; trying again is useless."""


class CorpusError(ConfigurationError):
    """The corpus as a whole cannot be read (missing, unreadable, empty, of an unknown kind)."""


class PartitionMissing(ConfigurationError):
    """A night's partition has not come although its time is over; trying again at once is useless."""


class PartitionEmpty(ConfigurationError):
    """A night's partition is there and holds no files."""


class EndpointError(WebscaleError):
    """The endpoint could not be reached or kept failing; the call may be tried again later."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.sent = sent  # whether the server may have got the request, and charge for it
        self.retry_after = retry_after  # seconds
        self.status = status  # HTTP status, where there was an answer


class EndpointRefusal(ConfigurationError):
    """The endpoint refuses for good: wrong key, unknown model, no such route."""


class RequestRejected(WebscaleError):
    """The endpoint rejects this one request (400, 413, 422), such as a prompt over the context length."""


class InvalidAnswer(WebscaleError):
    """A model's answer cannot be used, even after it was asked once more.

    ``reason`` is one of ``truncated``, ``empty``, ``refused``, ``not_json``, ``wrong_schema``.
    """

    def __init__(self, reason: str, detail: str, text: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.text = text  # what the model wrote, where it is known


class ShardBusy(WebscaleError):
    """Another worker holds the lease of this conversion; try again later."""


class LeaseLost(WebscaleError):
    """This worker's lease has run out or was taken over: whatever it has not flushed must not be written."""


class ShardFailed(WebscaleError):
    """Too many calls of a shard failed in transport; what was answered is kept, the rest is retryable."""


class CanaryFailed(WebscaleError):
    """The first documents of a run did not come out as its form demands; nothing else was converted."""


class RunIncomplete(WebscaleError):
    """A run ends without having done all of its work; the message says what is missing."""


class BudgetSpent(WebscaleError):
    """The run has spent what it was given; what was answered is kept, and a run with a larger budget goes on."""


class Stopping(WebscaleError):
    """The worker was told to stop (SIGTERM); what was answered is flushed, the rest is for the next try."""
