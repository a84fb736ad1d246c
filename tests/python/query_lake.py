"""Reads the lake of a local run as Athena would: with the tables of the template, and their saved queries.

query_lake.py FOLDER PAGE…: `lake/` of the folder holds the bucket's objects, `catalog.json` the resources of Glue
and Athena as they are deployed, `expected.json` what `verify` counted of each run. It runs the Python of each page too.

DuckDB reads what the tables say: places, formats, columns, types. Where its dialect differs from Athena's, the
functions in DIALECT have Athena's names.
"""

import json
import pathlib
import re
import sys

import duckdb

DIALECT = [
    # Athena: json_extract_scalar(json, path) gives text.
    "CREATE MACRO json_extract_scalar(json, path) AS json_extract_string(json, path)",
]
TYPES = {
    "string": "VARCHAR",
    "float": "FLOAT",
    "array<float>": "FLOAT[]",
    "map<string,map<string,string>>": "MAP(VARCHAR, MAP(VARCHAR, VARCHAR))",
}
CHANNELS = ["train", "validation", "test"]


class Lake:
    def __init__(self, folder):
        self.root = folder / "lake"
        self.catalog = json.loads((folder / "catalog.json").read_text())
        self.runs = json.loads((folder / "expected.json").read_text())
        self.database = duckdb.connect()
        for macro in DIALECT:
            self.database.execute(macro)

    def path(self, uri):
        """The file of an object, or the folder of a prefix."""
        bucket, key = re.fullmatch(r"s3://([^/]+)/(.*)", uri).groups()
        assert bucket.startswith("millrace-lakebucket"), uri
        return self.root / key

    def files(self, table, **partition):
        """The files of a partition, as a table's input format finds them."""
        place = table["Parameters"]["storage.location.template"]
        for name, value in partition.items():
            place = place.replace("${" + name + "}", value)
        assert "$" not in place, place
        folder = self.path(place)
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        if table["StorageDescriptor"]["InputFormat"].endswith(".SymlinkTextInputFormat"):
            lines = [line for path in found for line in path.read_text().splitlines()]
            found = [self.path(line) for line in lines]
            assert all(path.is_file() for path in found), found
        return [str(path) for path in found]

    def rows(self, table, files):
        """A query for the rows of some files, by the table's SerDe."""
        storage = table["StorageDescriptor"]
        columns = {column["Name"]: TYPES[column["Type"]] for column in storage["Columns"]}
        serde = storage["SerdeInfo"]["SerializationLibrary"].rsplit(".", 1)[1]
        if not files:
            nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())
            return f"SELECT {nothing} WHERE false"
        if serde == "JsonSerDe":
            return f"SELECT * FROM read_json({files}, columns={columns}, format='newline_delimited', hive_partitioning=false)"
        if serde == "LazySimpleSerDe":
            [(name, kind)] = columns.items()
            text = "{'line': 'VARCHAR'}"
            # Its separator of fields is \x01, which JSON and numbers never hold; it knows neither quotes nor escapes.
            lines = (
                f"read_csv({files}, columns={text}, delim='\x01', quote='', escape='', header=false, nullstr='\\N',"
                " auto_detect=false, max_line_size=4194304, hive_partitioning=false)"
            )
            if kind == "VARCHAR":
                return f"SELECT line AS {name} FROM {lines}"
            between = storage["SerdeInfo"]["Parameters"]["collection.delim"]
            cells = f"list_transform(string_split(line, '{between}'), cell -> TRY_CAST(cell AS FLOAT))"
            return f"SELECT {cells}::{kind} AS {name} FROM {lines}"
        assert serde == "ParquetHiveSerDe", serde
        assert storage["SerdeInfo"]["Parameters"]["parquet.column.index.access"] == "true"
        there = self.database.sql(f"SELECT * FROM read_parquet({files}, hive_partitioning=false)")
        cells = []
        for at, (name, kind) in enumerate(columns.items()):
            if at < len(there.columns):
                assert str(there.types[at]) == kind, (there.columns[at], there.types[at], kind)
                cells.append(f'"{there.columns[at]}" AS {name}')
            else:
                cells.append(f"NULL::{kind} AS {name}")
        assert len(there.columns) <= len(columns), f"more columns than {len(columns)}: {there.columns}"
        return f"SELECT {', '.join(cells)} FROM read_parquet({files}, hive_partitioning=false)"

    def create(self, table):
        """A view of all partitions of a table."""
        name, keys = table["Name"], [key["Name"] for key in table["PartitionKeys"]]
        parts = []
        for run in self.runs:
            for channel in CHANNELS if "channel" in keys else [None]:
                partition = {"pipeline": run["pipeline"], "run": run["run"]}
                if channel:
                    partition["channel"] = channel
                if name.startswith("dataset_") and run["format"] != name.removeprefix("dataset_"):
                    continue
                rows = self.rows(table, self.files(table, **partition))
                values = ", ".join(f"'{value}' AS {key}" for key, value in partition.items())
                parts.append(f"SELECT *, {values} FROM ({rows})")
        self.database.execute(f"CREATE VIEW {name} AS {' UNION ALL '.join(parts)}")

    def count(self, what, **partition):
        where = " AND ".join(f"{key} = '{value}'" for key, value in partition.items())
        [[found]] = self.database.execute(f"SELECT count(*) FROM {what} WHERE {where}").fetchall()
        return found

    def compare(self, run):
        """What the tables hold of a run, with what `verify` counted."""
        of_run = {"pipeline": run["pipeline"], "run": run["run"]}
        assert self.count("raw_lines", **of_run) == run["items"], run
        assert self.count("rejected", **of_run) == run["rejected"], run
        for channel in CHANNELS:
            found = self.count(f"dataset_{run['format']}", **of_run, channel=channel)
            assert found == run[channel], (channel, found, run)
        assert self.count("predictions", **of_run) == run["predictions"], run
        # Each line is an item, and each cell a number, but for the values that are missing.
        items = f"FROM raw_lines WHERE run = '{run['run']}'"
        [[wrong]] = self.database.execute(
            f"SELECT count(*) FILTER (json_extract(line, '$.Item.event_id.S') IS NULL) {items}"
        ).fetchall()
        assert wrong == 0, f"{wrong} lines are no items"
        label = "label" if run["format"] == "parquet" else "cells[1]"
        [[low, high]] = self.database.execute(
            f"SELECT min({label}), max({label}) FROM dataset_{run['format']} WHERE run = '{run['run']}'"
        ).fetchall()
        assert (low, high) == (0.5, 5.0), (low, high)

    def saved(self, ending, *parameters):
        """The rows of a saved query, by the names of its columns."""
        [query] = [it for it in self.catalog["queries"] if it["Name"].endswith(ending)]
        assert query["QueryString"].count("?") == len(parameters), query["Name"]
        answer = self.database.execute(query["QueryString"], list(parameters))
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row)) for row in answer.fetchall()]


def queries(lake):
    scored = next(run for run in lake.runs if run["predictions"])
    both = [scored["pipeline"], scored["run"]]
    reasons = lake.saved("rejected rows by reason", *both)
    assert sum(row["items"] for row in reasons) == scored["rejected"] > 0, reasons
    assert all(set(row["example"]) == {"user_id", "event_id"} for row in reasons), reasons

    before, after = [run for run in lake.runs if run["format"] == "parquet"]
    runs = [before["run"], after["run"], after["run"]]
    drift = lake.saved("drift of a column across runs", "$.Item.rating.N", before["pipeline"], *runs)
    assert [(row["run"], row["items"]) for row in drift] == [(it["run"], it["items"]) for it in (before, after)]
    assert drift[0]["shift"] == 0 and drift[1]["shift"] > 0.3, drift
    assert all(0.9 < row["share"] < 1 and row["highest"] == 5 and row["different"] == 10 for row in drift), drift

    tenths = lake.saved("predictions with labels", *both, "validation", *both)
    assert [row["tenth"] for row in tenths] == list(range(1, 11)), tenths
    for name in ("labels", "predictions"):
        assert sum(row[name] for row in tenths) == scored["validation"], tenths
    means = [row["mean_prediction"] for row in tenths]
    assert means == sorted(means) and all(0 < mean < 6 for mean in means), tenths
    return len(reasons), len(drift), len(tenths)


def examples(lake, page):
    """Runs what a page shows in Python, except what asks AWS, with the lake's folder in place of its bucket."""
    text = pathlib.Path(page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    local = [block for block in blocks if "awswrangler" not in block and "CREATE SECRET" not in block]
    scored = next(run for run in lake.runs if run["predictions"])
    names = {}
    for block in local:
        block = block.replace("s3://LAKE_BUCKET", str(lake.root))
        block = block.replace("PIPELINE", scored["pipeline"]).replace("RUN", scored["run"])
        exec(compile(block, page, "exec"), names)  # noqa: S102
    assert len(names["items"]) == scored["items"], "the page's items"
    assert names["counted"] == scored["items"], "the page's count"
    assert len(names["joined"]) == scored["validation"], "the page's predictions with labels"
    assert list(names["joined"].columns) == ["label", "prediction"], names["joined"].columns
    assert abs(names["joined"].label.corr(names["joined"].prediction)) > 0.3, "rows that do not belong together"
    assert len(names["rejected"]) == scored["rejected"], "the page's rejected items"
    return len(local)


def main():
    folder, *pages = sys.argv[1:]
    lake = Lake(pathlib.Path(folder))
    for table in lake.catalog["tables"]:
        lake.create(table)
    for run in lake.runs:
        lake.compare(run)
    print("saved queries answered", *queries(lake), "rows")
    for page in pages:
        print("ran", examples(lake, page), "examples of", page)
    print("read", len(lake.catalog["tables"]), "tables of", len(lake.runs), "runs")


if __name__ == "__main__":
    main()
