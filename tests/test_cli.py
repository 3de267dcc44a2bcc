"""The command line: exit codes, messages, answers."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clusterloom import cli
from clusterloom.namespaces import term
from clusterloom.settings import Settings
from clusterloom.store.release import Release


@pytest.fixture
def served(
    default_release: Release, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Release:
    """The default release, as commands find it."""
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(settings.data_dir))
    return default_release


def test_query_keeps_the_order_of_columns(
    served: Release, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    query = f"SELECT * {{ ?z <{term('pic')}> ?a }} LIMIT 1"
    assert cli.main(["query", query]) == 0
    assert capfdbinary.readouterr().out.splitlines()[0] == b"?z\t?a"


def test_query_of_a_file_as_csv(
    served: Release, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "one.rq"
    file.write_text("SELECT (1 AS ?one) {}")
    assert cli.main(["query", str(file), "--format", "csv"]) == 0
    assert capfdbinary.readouterr().out == b"one\r\n1\r\n"


def test_a_syntax_error_shows_where_and_what_to_do(
    served: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["query", "SELECT * { ?s rdfs:label ?o }"]) == 2
    message = capsys.readouterr().err
    assert "column 15" in message
    assert "^" in message
    assert "PREFIX rdfs:" in message


def test_a_format_that_does_not_fit_is_refused(
    served: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["query", "SELECT * {}", "--format", "ttl"]) == 2
    assert "tsv" in capsys.readouterr().err


def test_service_is_refused(served: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["query", "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }"]) == 2
    assert "SERVICE" in capsys.readouterr().err


def test_a_port_in_use_is_said_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in capsys.readouterr().err
    assert not (tmp_path / "releases").exists()


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_no_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["serve", "--port", port])
    assert exit_.value.code == 2


def test_commands_without_a_release_say_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_DATA_DIR", str(tmp_path))
    assert cli.main(["query", "ASK {}"]) == 1
    assert "clusterloom build" in capsys.readouterr().err
    assert cli.main(["releases"]) == 0
    assert "clusterloom build" in capsys.readouterr().out
    assert cli.main(["doctor"]) == 0
    assert "none; run" in capsys.readouterr().out


def test_a_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLUSTERLOOM_WORKERS", "many")
    assert cli.main(["releases"]) == 2
    assert "workers" in capsys.readouterr().err


def test_dump_and_list_of_the_default_release(
    served: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["dump", str(tmp_path / "all.nq.zst")]) == 0
    assert (tmp_path / "all.nq.zst").stat().st_size > 100_000
    assert cli.main(["releases"]) == 0
    assert f"* {served.id}" in capsys.readouterr().out
