"""Runs the example of docs/src/how-to/events.md with a Firehose that fails now and then.

usage: put_events.py PAGE SEED    puts events, and prints base64 of the records that were taken, as JSON

Requests are checked by botocore's model of the service, and by its limits.
"""

import base64
import json
import pathlib
import random
import sys

import botocore.session
from botocore.validate import ParamValidator

EVENTS = 3000


class Firehose:
    """Takes some of the records of a put, as the service does when it is asked for too much."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.taken = []
        model = botocore.session.get_session().get_service_model("firehose")
        self.shape = model.operation_model("PutRecordBatch").input_shape

    def put_record_batch(self, **request):
        report = ParamValidator().validate(request, self.shape)
        assert not report.has_errors(), report.generate_report()
        data = [record["Data"] for record in request["Records"]]
        assert len(data) <= 500 and sum(map(len, data)) <= 4 << 20
        said = []
        for record in data:
            if self.random.random() < 0.2:
                said.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            else:
                self.taken.append(record)
                said.append({"RecordId": "id"})
        failed = sum("ErrorCode" in one for one in said)
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": said}


class Broken(Firehose):
    """Takes nothing."""

    def put_record_batch(self, **request):
        said = [{"ErrorCode": "InternalFailure"} for _ in request["Records"]]
        return {"FailedPutCount": len(said), "RequestResponses": said}


def main():
    page = pathlib.Path(sys.argv[1]).read_text()
    _, rest = page.split("```python\n", 1)
    example = {}
    exec(rest.split("```", 1)[0], example)
    example["time"].sleep = lambda _: None
    firehose = Firehose(sys.argv[2])
    # Some that are longer than a record should be, and many small ones.
    events = [
        {"event_id": f"e{number}", "kind": "view", "text": "x" * (300_000 if number % 97 == 0 else number % 700)}
        for number in range(EVENTS)
    ]
    example["put_events"](firehose, "millrace-events", iter(events))
    try:
        example["put_events"](Broken(0), "millrace-events", events[1:4])
    except RuntimeError as error:
        assert "1 records were not taken" in str(error), error
    else:
        raise AssertionError("nothing was said")
    print(json.dumps([base64.b64encode(record).decode() for record in firehose.taken]))


main()
