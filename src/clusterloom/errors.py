"""Errors that know their HTTP status and their exit code (docs: README, "Exit codes")."""

from __future__ import annotations

from typing import ClassVar


class ClusterloomError(Exception):
    """Base of every error the user may see: a sentence that says what, where and what to do."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "Something failed"
    slug: ClassVar[str] = "failed"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class UsageError(ClusterloomError):
    """The command or request is not one we know; the message names the nearest valid value."""

    status, exit_code, title, slug = 400, 2, "Bad request", "bad-request"


class DataRefused(ClusterloomError):
    """A source file or its metadata breaks its contract; nothing is published."""

    status, exit_code, title, slug = 422, 3, "Data refused", "data-refused"


class ChecksFailed(ClusterloomError):
    """The built graph breaks a shape, a check or an expectation; nothing is published."""

    status, exit_code, title, slug = 500, 4, "Checks failed", "checks-failed"


class NotFound(ClusterloomError):
    """No such thing in this release."""

    status, exit_code, title, slug = 404, 1, "Not found", "not-found"


class Gone(ClusterloomError):
    """The thing or the release existed and was withdrawn."""

    status, exit_code, title, slug = 410, 1, "Gone", "gone"


class NotAcceptable(ClusterloomError):
    """No media type that the client accepts can be written."""

    status, exit_code, title, slug = 406, 2, "Not acceptable", "not-acceptable"


class MethodNotAllowed(ClusterloomError):
    """The route exists, the method does not."""

    status, exit_code, title, slug = 405, 2, "Method not allowed", "method-not-allowed"


class TooLarge(ClusterloomError):
    """The request body is over the limit."""

    status, exit_code, title, slug = 413, 2, "Request too large", "too-large"


class UnsupportedMediaType(ClusterloomError):
    """The body is of a media type that is not read here."""

    status, exit_code, title, slug = 415, 2, "Unsupported media type", "unsupported-media-type"


class QuerySyntaxError(ClusterloomError):
    """The SPARQL text does not parse; extra holds line, column, caret and hint where known."""

    status, exit_code, title, slug = 400, 2, "SPARQL syntax error", "sparql-syntax"


class QueryRefused(ClusterloomError):
    """The query asks for what this endpoint never does (SERVICE, LOAD, updates, deep nesting)."""

    status, exit_code, title, slug = 400, 2, "Query refused", "query-refused"


class QueryTimeout(ClusterloomError):
    """The query was ended at its deadline."""

    status, exit_code, title, slug = 504, 1, "Query timed out", "query-timeout"


class QueryOutOfMemory(ClusterloomError):
    """The query was ended at its memory limit."""

    status, exit_code, title, slug = 507, 1, "Query out of memory", "query-out-of-memory"


class Busy(ClusterloomError):
    """Every worker and the queue are full; extra `retry_after` is in seconds."""

    status, exit_code, title, slug = 503, 1, "Busy", "busy"


class EngineDown(ClusterloomError):
    """The remote engine cannot be reached, is busy, or does not hold the release yet."""

    status, exit_code, title, slug = 503, 1, "Engine not available", "engine-unavailable"


class EngineFailed(ClusterloomError):
    """The remote engine answered with an error, or with what is not a whole answer."""

    status, exit_code, title, slug = 502, 1, "Engine failed", "engine-failed"
