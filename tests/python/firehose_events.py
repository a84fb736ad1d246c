"""Firehose's invocations and answers, as AWS's SAM CLI and Powertools have them.

usage: firehose_events.py samples DATA    prints the sample events by name, with this data where they leave it open
       firehose_events.py read            reads [[invocation, answer], …] and prints what Powertools reads in them
"""

import base64
import json
import pathlib
import sys
import warnings


def samples(data):
    import samcli.lib.generated_sample_events as package

    folder = pathlib.Path(package.__file__).parent / "events" / "kinesis"
    encoded = base64.b64encode(data.encode()).decode()
    found = {}
    for path in sorted(folder.glob("KinesisFirehose*.json")):
        text = path.read_text().replace("{{{data}}}", encoded)
        found[path.stem] = json.loads(text)
    return found


def read(pairs):
    from aws_lambda_powertools.utilities.data_classes import KinesisFirehoseEvent
    from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
        KinesisFirehoseDataTransformationRecord as Record,
        KinesisFirehoseDataTransformationResponse as Response,
    )

    warnings.simplefilter("error")
    found = []
    for invocation, answer in pairs:
        asked = [record.record_id for record in KinesisFirehoseEvent(invocation).records]
        response = Response()
        for record in answer["records"]:
            response.add_record(Record(record["recordId"], record["result"], record["data"]))
        assert response.asdict() == answer, answer
        assert [record.record_id for record in response.records] == asked, answer
        found.append([[record.result, record.data_as_text] for record in response.records])
    return found


if sys.argv[1] == "samples":
    print(json.dumps(samples(sys.argv[2])))
else:
    print(json.dumps(read(json.load(sys.stdin))))
