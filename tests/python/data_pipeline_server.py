"""Serves moto's AWS Data Pipeline on loopback, with one pipeline for each line of standard input: objects in the API's
form. Prints the server's address, then the pipelines' ids, and ends with standard input."""

import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
print(url, flush=True)
client = boto3.client("datapipeline", endpoint_url=url)
for number, line in enumerate(sys.stdin):
    pipeline = client.create_pipeline(name=f"pipeline-{number}", uniqueId=f"pipeline-{number}")["pipelineId"]
    client.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=json.loads(line))
    print(pipeline, flush=True)
server.stop()
