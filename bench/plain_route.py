"""The least a FastAPI service does: one route with a parameter that sends bytes at hand."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

ANSWER = Path(os.environ["CLUSTERLOOM_BENCH_ANSWER"]).read_bytes()

app = FastAPI()


@app.get("/")
@app.get("/api/v1/clusters/{key}/partners")
def partners(key: str = "", axis: str = "") -> Response:  # noqa: ARG001
    """The same answer whatever is asked."""
    return Response(ANSWER, media_type="application/json")
