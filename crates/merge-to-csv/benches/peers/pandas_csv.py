"""Raw lines to a shuffled, encoded CSV with pandas, and with awswrangler, which reads them from `ENDPOINT`."""

import io
import json
import os
import resource
import sys
import time

import pandas
import zstandard

COLUMNS = ["rating", "user_id", "item_id", "event_type", "price", "device", "position"]


def text_of(part):
    with open(part, "rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


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


def wrangled(number):
    import awswrangler

    awswrangler.config.s3_endpoint_url = os.environ["ENDPOINT"]
    frame = awswrangler.s3.read_json([f"s3://parts/{number}.zst"], lines=True, use_threads=False, compression="zstd")
    to_csv(frame["Item"])


WAYS = {
    "copy": lambda _, part: copy(text_of(part)),
    "json and pandas": lambda _, part: to_csv(json.loads(line)["Item"] for line in text_of(part).splitlines()),
    "pandas.read_json": lambda _, part: to_csv(pandas.read_json(io.BytesIO(text_of(part)), lines=True)["Item"]),
    "awswrangler.s3.read_json": lambda number, _: wrangled(number),
}


def main():
    way, *parts = sys.argv[1:]
    size = sum(len(text_of(part)) for part in parts)
    before = time.process_time()
    for number, part in enumerate(parts):
        WAYS[way](number, part)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"cpu": cpu, "gb": size / 1e9, "peak_mb": peak}))


main()
