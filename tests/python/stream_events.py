"""The sample event of a table's stream of AWS's SAM CLI, and what Powertools reads in it.

usage: stream_events.py    prints {"event": …, "read": [[name, number, names of the key, of the new and the old image], …]}
"""

import json
import pathlib

import samcli.lib.generated_sample_events as package
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

# What the sample leaves open. The stream's label is short, since local servers make file names of keys.
OPEN = {"{{{partition}}}": "aws", "{{{region}}}": "us-east-1", "{{{account_id}}}": "123456789012"}
OPEN |= {"{{{table}}}": "films", "2015-06-27T00:48:05.899": "label"}


def sample():
    path = pathlib.Path(package.__file__).parent / "events" / "dynamodb" / "DynamoDBUpdate.json"
    text = path.read_text()
    for name, value in OPEN.items():
        text = text.replace(name, value)
    return json.loads(text)


def read(event):
    for record in DynamoDBStreamEvent(event).records:
        change = record.dynamodb
        images = [change.keys, change.new_image, change.old_image]
        # An image that is not there is an empty one to Powertools; an item has its key at least.
        names = [sorted(image) if image else None for image in images]
        yield [record.event_name.name, change.sequence_number, *names]


event = sample()
print(json.dumps({"event": event, "read": list(read(event))}))
