"""Reads training files with readers that are not Millrace's, and holds them against what they must hold.

The folder of the only argument has `expected.json` (the rows as lists: the label, then the slots, null
for a missing value; `slots`, how many there are) and a folder for each format.
"""

import csv
import json
import math
import pathlib
import sys

import duckdb
import numpy
import xgboost

from record_io import record_class, records


def ordered(rows):
    """Rows in an order that does not depend on how they are shuffled."""
    return sorted(rows, key=lambda row: [(cell is not None, cell or 0) for cell in row])


def same(rows, expected, what):
    rows = [[as_float32(cell) for cell in row] for row in rows]
    expected = [[as_float32(cell) for cell in row] for row in expected]
    assert len(rows) == len(expected), f"{what}: {len(rows)} rows instead of {len(expected)}"
    for one, other in zip(ordered(rows), ordered(expected)):
        assert one == other, f"{what}: {one} instead of {other}"


def as_float32(cell):
    missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    return None if missing else float(numpy.float32(cell))


def record_io(folder, slots, sparse):
    message = record_class()
    rows = []
    for path in sorted(folder.glob("*.pbr")):
        for record in records(path, message):
            assert list(record.features) == ["values"] and list(record.label) == ["values"]
            features = record.features["values"].float32_tensor
            row = [0.0] * slots
            if sparse:
                assert list(features.shape) == [slots], features.shape
                assert list(features.keys) == sorted(set(features.keys)) and 0.0 not in features.values
                assert len(features.keys) == len(features.values)
                for key, value in zip(features.keys, features.values):
                    row[key] = value
            else:
                assert not features.keys and len(features.values) == slots
                row = list(features.values)
            [label] = record.label["values"].float32_tensor.values
            rows.append([label, *row])
    return rows


def xgboost_rows(folder, slots):
    """As XGBoost's container reads a channel: the label in the first column, an empty cell missing."""
    matrix = xgboost.DMatrix(f"{folder}?format=csv&label_column=0")
    assert (matrix.num_col(), matrix.num_row() > 0) == (slots, True), (matrix.num_col(), matrix.num_row())
    model = xgboost.train({"max_depth": 3, "objective": "reg:squarederror"}, matrix, num_boost_round=20)
    labels = matrix.get_label()
    error = numpy.sqrt(numpy.mean((model.predict(matrix) - labels) ** 2))
    spread = numpy.std(labels)
    assert error < spread / 2, f"a model that learns nothing: {error} of {spread}"
    sparse = matrix.get_data()
    rows = []
    for at in range(matrix.num_row()):
        row = [None] * slots
        begin, end = sparse.indptr[at], sparse.indptr[at + 1]
        for column, value in zip(sparse.indices[begin:end], sparse.data[begin:end]):
            row[column] = float(value)
        rows.append([float(labels[at]), *row])
    return rows


def csv_rows(folder, names):
    rows = []
    for path in sorted(folder.glob("*.csv")):
        text = path.read_bytes()
        assert text.count(b"\n") == text.count(b"\r\n")
        header, *lines = csv.reader(text.decode().splitlines(), strict=True)
        assert header == names, header
        rows += [[float(cell) if cell else None for cell in line] for line in lines]
    return rows


def parquet_rows(folder, names):
    table = duckdb.sql(f"SELECT * FROM read_parquet('{folder}/*.parquet')")
    assert table.columns == names, table.columns
    assert {str(kind) for kind in table.types} == {"FLOAT"}, table.types
    return [list(row) for row in table.fetchall()]


def json_rows(folder):
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            assert list(row) == ["in0", "in1", "label"], row
            assert all(isinstance(token, int) for token in row["in0"] + row["in1"])
            rows.append([row["label"], *row["in0"], *row["in1"]])
    return rows


def main():
    root = pathlib.Path(sys.argv[1])
    expected = json.loads((root / "expected.json").read_text())
    rows, names = expected["rows"], expected["names"]
    slots = len(names) - 1
    filled = [row for row in rows if None not in row]
    assert 0 < len(filled) < len(rows), "some rows miss a value"
    same(xgboost_rows(root / "csv" / "train", slots), rows, "CSV by XGBoost")
    same(csv_rows(root / "csvWithHeader" / "train", names), rows, "CSV with a header")
    same(parquet_rows(root / "parquet" / "train", names), rows, "Parquet by DuckDB")
    same(record_io(root / "recordIo" / "train", slots, False), filled, "RecordIO, dense")
    same(record_io(root / "recordIoSparse" / "train", slots, True), filled, "RecordIO, sparse")
    pairs = [[row[0], row[1], row[2]] for row in rows]
    same(json_rows(root / "jsonLines" / "train"), pairs, "JSON Lines")
    print("read", len(rows), "rows in 6 formats")


if __name__ == "__main__":
    main()
