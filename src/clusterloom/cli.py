"""The `clusterloom` command. It alone may import every room."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import clusterloom
from clusterloom import commands
from clusterloom.errors import ClusterloomError, UsageError
from clusterloom.settings import Settings

EXIT_CODES = "exit codes: 0 ok, 1 failed, 2 usage, 3 data refused, 4 checks failed"


def _settings_help() -> str:
    lines = ["settings (environment variables):"]
    for name, field in Settings.model_fields.items():
        lines.append(f"  CLUSTERLOOM_{name.upper():<16} {field.description}")
    return "\n".join(lines)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed (0 or more)")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The command line: every command with its arguments and help."""
    top = argparse.ArgumentParser(
        prog="clusterloom",
        description="The open knowledge graph of Europe's clusters, value chains and S3 areas.",
        epilog=f"{_settings_help()}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=clusterloom.__version__)
    commands_ = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands_.add_parser("build", help="build, check and publish a release")
    build.add_argument(
        "--add",
        action="append",
        default=[],
        metavar="SOURCE=PATH",
        help="a file or folder of your own in the source's format; rdf=PATH for any RDF",
    )
    build.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="a partial graph of these sources; its checks are reported, not enforced",
    )
    build.add_argument("--tables", type=Path, help="folder of tables (default: those installed)")
    build.add_argument("--quiet", action="store_true", help="no progress")

    serve = commands_.add_parser("serve", help="serve the current release over HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8000, help="0 takes any free port")

    query = commands_.add_parser("query", help="answer a SPARQL query from the current release")
    query.add_argument("query", help="the query, or a file name ending in .rq, or - for stdin")
    query.add_argument(
        "--format",
        default="default",
        metavar="FORMAT",
        help="tsv (default), csv, json, xml; of triples ttl (default), jsonld, nt, rdf, trig, nq",
    )

    check = commands_.add_parser("check", help="run SHACL shapes and checks on a release")
    check.add_argument("release", nargs="?", help="release id (default: the current one)")

    commands_.add_parser("releases", help="list the releases that ?release= reaches")
    rollback = commands_.add_parser("rollback", help="serve an earlier release")
    rollback.add_argument("release", nargs="?", help="release id (default: the one before)")
    diff = commands_.add_parser("diff", help="what changed between two releases, per family")
    diff.add_argument("before")
    diff.add_argument("after")
    diff.add_argument("--nquads", action="store_true", help="print the lines with - and +")
    diff.add_argument("--exit-code", action="store_true", help="exit with 1 where they differ")
    dump = commands_.add_parser("dump", help="write the N-Quads of a release to a file")
    dump.add_argument("file", type=Path)
    dump.add_argument("--release", help="release id (default: the current one)")
    publish = commands_.add_parser(
        "publish", help="put a release on an idle endpoint of the remote engine and serve it"
    )
    publish.add_argument(
        "--to", metavar="ENDPOINT", help="its query address (default: the first that is not served)"
    )
    publish.add_argument("--release", help="release id (default: the current one)")
    publish.add_argument("--quiet", action="store_true", help="no progress")
    evaluate = commands_.add_parser(
        "evaluate", help="measure how well each axis of partner search finds ties held out"
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    evaluate.add_argument("--seed", type=_seed, default=1, help="of what is drawn (default: 1)")
    commands_.add_parser("doctor", help="say what this installation has and lacks")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; every error of ours is one line on standard error and an exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = _settings()
        run = getattr(commands, given.command)
        code: int = run(settings, given)
        return code
    except ClusterloomError as error:
        print(f"clusterloom: {error.detail}", file=sys.stderr)
        for name in ("caret", "hint"):
            if name in error.extra:
                print(error.extra[name], file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("clusterloom: interrupted; the served release is as it was", file=sys.stderr)
        return 1


def _settings() -> Settings:
    try:
        return Settings()
    except ValueError as error:
        raise UsageError(f"settings: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
