"""Reads the table of orders by one peer, and prints as JSON what that used.

Usage: read.py PEER FOLDER ROWS rows|lines: with `rows` they are fetched and dropped, with `lines` each is written as
a line of JSON, not compressed.
"""

import importlib
import json
import os
import pathlib
import resource
import sys
import time

NOWHERE = open(os.devnull, "w", encoding="utf-8")


def write(names, row):
    """A row as a line of JSON; what JSON has no form for becomes text."""
    NOWHERE.write(json.dumps(dict(zip(names, row)), default=str, ensure_ascii=False) + "\n")


def by_cursor(cursor, query, lines):
    cursor.execute(query)
    names = [column[0] for column in cursor.description]
    count = 0
    while rows := cursor.fetchmany(10_000):
        count += len(rows)
        if lines:
            for row in rows:
                write(names, row)
    return count


def pymssql(secret, authority, query, lines):
    import pymssql

    connection = pymssql.connect(
        server=secret["host"],
        port=str(secret["port"]),
        user=secret["username"],
        password=secret["password"],
        database=secret["dbname"],
        tds_version="7.4",
        encryption="require",
    )
    return by_cursor(connection.cursor(), query, lines)


def python_tds(secret, authority, query, lines):
    import pytds

    # Its check of the name does not know the current pyOpenSSL.
    connection = pytds.connect(
        dsn=secret["host"],
        port=secret["port"],
        user=secret["username"],
        password=secret["password"],
        database=secret["dbname"],
        cafile=authority,
        validate_host=False,
    )
    return by_cursor(connection.cursor(), query, lines)


def pyodbc(secret, authority, query, lines):
    import pyodbc

    connection = pyodbc.connect(
        f"DRIVER=FreeTDS;SERVER={secret['host']};PORT={secret['port']};DATABASE={secret['dbname']};"
        f"UID={secret['username']};PWD={secret['password']};TDS_Version=7.4;Encryption=require;ClientCharset=UTF-8"
    )
    return by_cursor(connection.cursor(), query, lines)


def url(secret):
    login = f"{secret['username']}:{secret['password']}"
    return f"postgresql://{login}@{secret['host']}:{secret['port']}/{secret['dbname']}"


def psycopg(secret, authority, query, lines):
    import psycopg

    with psycopg.connect(url(secret), sslmode="verify-full", sslrootcert=authority) as connection:
        cursor = connection.cursor()
        names = [column.name for column in cursor.execute("SELECT * FROM orders LIMIT 0").description]
        count = 0
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            if lines:
                for row in copy.rows():
                    write(names, row)
                    count += 1
            else:
                for block in copy:
                    count += bytes(block).count(b"\n")
        return count


def connectorx(secret, authority, query, lines):
    import connectorx
    import pyarrow.csv

    table = connectorx.read_sql(f"{url(secret)}?sslmode=require", query, return_type="arrow", protocol="binary")
    if lines:
        # It has no JSON: CSV is what is quickest from its columns.
        pyarrow.csv.write_csv(table, os.devnull)
    return table.num_rows


# Of each peer its module, which is loaded before the clock starts, and its way to read.
PEERS = {
    "pymssql": ("pymssql", pymssql),
    "python-tds": ("pytds", python_tds),
    "pyodbc": ("pyodbc", pyodbc),
    "psycopg": ("psycopg", psycopg),
    "connectorx": ("connectorx", connectorx),
}


def main():
    peer, folder, rows, form = sys.argv[1:]
    folder = pathlib.Path(folder)
    secret = json.loads((folder / "secret.json").read_text())
    top = f"TOP ({rows}) " if secret["engine"] == "sqlserver" else ""
    limit = "" if top else f" LIMIT {rows}"
    query = f"SELECT {top}* FROM orders ORDER BY id{limit}"
    module, read = PEERS[peer]
    importlib.import_module(module)
    before = time.process_time()
    count = read(secret, str(folder / "authority.pem"), query, form == "lines")
    used = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": count, "cpu": used, "peak": peak}))


if __name__ == "__main__":
    main()
