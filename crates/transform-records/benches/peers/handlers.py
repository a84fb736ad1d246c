"""Transforms batches of events with Python, as AWS's blueprint does, and prints the CPU time and the bytes.

usage: handlers.py json|serializer FOLDER SECONDS
"""

import base64
import decimal
import json
import pathlib
import resource
import sys
import time


def typed(value):
    """A value with DynamoDB's types, numbers by way of floats."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (int, float)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [typed(element) for element in value]}
    return {"M": {name: typed(element) for name, element in value.items()}}


def by_json():
    """Python's `json` and hand-written marshalling: floats lose digits."""

    def line(event):
        item = {name: typed(value) for name, value in json.loads(event).items()}
        return json.dumps({"Item": item}, separators=(",", ":")) + "\n"

    return line


def by_serializer():
    """boto3's TypeSerializer, which refuses floats: numbers are decimals, and lose nothing."""
    from boto3.dynamodb.types import TypeSerializer

    serializer = TypeSerializer()

    def line(event):
        values = json.loads(event, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        item = {name: serializer.serialize(value) for name, value in values.items()}
        return json.dumps({"Item": item}, separators=(",", ":")) + "\n"

    return line


def handler(invocation, line):
    """The handler of AWS's blueprint `kinesis-firehose-process-record-python`."""
    output = []
    for record in invocation["records"]:
        event = base64.b64decode(record["data"])
        data = base64.b64encode(line(event).encode()).decode()
        output.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return {"records": output}


def main():
    line = {"json": by_json, "serializer": by_serializer}[sys.argv[1]]()
    batches = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[2]).iterdir())]
    sizes = [
        sum(len(base64.b64decode(record["data"])) for record in json.loads(batch)["records"])
        for batch in batches
    ]
    done, begun = 0, time.process_time()
    while time.process_time() - begun < float(sys.argv[3]):
        for batch, size in zip(batches, sizes):
            # The runtime reads the invocation and writes the answer.
            json.dumps(handler(json.loads(batch), line)).encode()
            done += size
    cpu = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"cpu": cpu, "bytes": done, "peak_mb": peak}))


main()
