"""Raw lines to a shuffled, encoded CSV with pandas: `read_json` is also what awswrangler's reader calls."""

import io
import json
import resource
import sys
import time

import pandas
import zstandard

COLUMNS = ["rating", "user_id", "item_id", "event_type", "price", "device", "position"]


def texts(parts):
    for part in parts:
        with open(part, "rb") as file:
            yield zstandard.ZstdDecompressor().stream_reader(file).read()


def copy(text):
    return bytearray(text)


def rows(items):
    for item in items:
        context = item["context"]["M"]
        yield (
            float(item["rating"]["N"]),
            item["user_id"]["S"],
            item["item_id"]["S"],
            item["event_type"]["S"],
            float(item["price"]["N"]),
            context["device"]["S"],
            float(context["position"]["N"]),
        )


def to_csv(items):
    frame = pandas.DataFrame(rows(items), columns=COLUMNS)
    for name in ["user_id", "item_id", "event_type", "device"]:
        frame[name] = frame[name].astype("category").cat.codes + 1
    frame = frame.sample(frac=1, random_state=0).astype("float32")
    frame.to_csv(io.StringIO(), header=False, index=False)


WAYS = {
    "copy": copy,
    "json and pandas": lambda text: to_csv(json.loads(line)["Item"] for line in text.splitlines()),
    "pandas.read_json": lambda text: to_csv(pandas.read_json(io.BytesIO(text), lines=True)["Item"]),
}


def main():
    way, *parts = sys.argv[1:]
    before, size = time.process_time(), 0
    for text in texts(parts):
        size += len(text)
        WAYS[way](text)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"cpu": cpu, "gb": size / 1e9, "peak_mb": peak}))


main()
