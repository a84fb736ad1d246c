"""Reads a table by pymssql and by python-tds, and prints what each read, as JSON: {client: [row, ...]}.

Usage: read_sql_server.py PORT AUTHORITY_FILE USER PASSWORD DATABASE QUERY
"""

import json
import sys


def plain(value):
    """A value as JSON has it, with every digit."""
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def rows(cursor, query):
    cursor.execute(query)
    return [[plain(value) for value in row] for row in cursor.fetchall()]


def by_pymssql(port, authority, user, password, database, query):
    import pymssql

    connection = pymssql.connect(
        server="127.0.0.1",
        port=str(port),
        user=user,
        password=password,
        database=database,
        tds_version="7.4",
        encryption="require",
        login_timeout=20,
    )
    with connection, connection.cursor() as cursor:
        return rows(cursor, query)


def by_python_tds(port, authority, user, password, database, query):
    import pytds

    # It verifies the certificate. Its check of the name does not know the current pyOpenSSL.
    connection = pytds.connect(
        dsn="localhost",
        port=port,
        user=user,
        password=password,
        database=database,
        cafile=authority,
        validate_host=False,
        login_timeout=20,
    )
    with connection, connection.cursor() as cursor:
        read = rows(cursor, query)
        # With a parameter it is a call, and not a batch.
        cursor.execute("SELECT %s + N'!'", ("a parameter",))
        assert cursor.fetchall() == [("a parameter!",)]
        return read


def main():
    port, authority, user, password, database, query = sys.argv[1:]
    arguments = (int(port), authority, user, password, database, query)
    read = {
        "pymssql": by_pymssql(*arguments),
        "python-tds": by_python_tds(*arguments),
    }
    json.dump(read, sys.stdout)


if __name__ == "__main__":
    main()
