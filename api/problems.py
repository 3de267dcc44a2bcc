"""Errors as RFC 9457 problem JSON, the one shape of every error this service sends."""

from __future__ import annotations

import http
from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from clusterloom.errors import ClusterloomError, UsageError
from clusterloom.namespaces import BASE

PROBLEMS = BASE + "problems/"

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "ETag, Link, Retry-After, X-Clusterloom-Release, X-Clusterloom-Truncated, "
        "X-Clusterloom-Withheld"
    ),
}
"""Headers of every answer, error or not: any page may read this service."""


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem answer; members of `extra` that are None are left out."""
    body: dict[str, object] = {
        "type": PROBLEMS + slug,
        "title": title,
        "status": status,
        "detail": detail,
    }
    for name, value in (extra or {}).items():
        if value is not None:
            body.setdefault(name, value)
    return Response(
        orjson.dumps(body, default=str) + b"\n",
        status_code=status,
        media_type="application/problem+json",
        headers={**CORS, "Cache-Control": "no-store", **(headers or {})},
    )


def from_error(error: ClusterloomError) -> Response:
    """The problem of one of our errors, with Retry-After where it says when to come back."""
    headers = {}
    if (seconds := error.extra.get("retry_after")) is not None:
        headers["Retry-After"] = str(seconds)
    if (allow := error.extra.get("allow")) is not None:
        headers["Allow"] = str(allow)
    return problem(error.status, error.slug, error.title, error.detail, error.extra, headers)


async def _known(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, ClusterloomError):
        raise error
    return from_error(error)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    phrase = http.HTTPStatus(error.status_code).phrase
    detail = error.detail
    if detail == phrase:
        detail = f"{phrase}: {request.method} {request.url.path}"
        if error.status_code in {404, 405}:
            detail += "; /docs lists what there is"
    slug = phrase.lower().replace(" ", "-").replace("'", "")
    return problem(error.status_code, slug, phrase.capitalize(), detail, None, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [
        {"parameter": ".".join(str(part) for part in item["loc"][1:]), "message": item["msg"]}
        for item in error.errors()
    ]
    sentences = "; ".join(f"{item['parameter']}: {item['message']}" for item in errors)
    return from_error(UsageError(sentences, errors=errors))


def failed() -> Response:
    """The problem of a failure that is ours."""
    return problem(500, "failed", "Something failed", "The server failed on this request.")


async def _unknown(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return failed()


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem answer; traces go to the log only."""
    app.add_exception_handler(ClusterloomError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unknown)
