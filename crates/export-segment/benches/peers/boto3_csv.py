"""boto3's paginator, its items written by the csv module."""

import csv
import io
import os

import boto3
from used import used

COLUMNS = "rating user_id item_id event_type ts price session device comment".split()


def export():
    client = boto3.client("dynamodb", endpoint_url=os.environ["ENDPOINT"])
    for page in client.get_paginator("scan").paginate(TableName=os.environ["TABLE"]):
        writer = csv.writer(io.StringIO())
        for item in page["Items"]:
            writer.writerow([next(iter(item.get(name, {"S": ""}).values())) for name in COLUMNS])


used(export)
