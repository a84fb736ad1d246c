"""Stands for a container image: `train` leaves a model, `serve` answers a number for every row.

The hyperparameter `number` (0.5) is that number, and what the training says its error is. With the hyperparameter
`column` it answers that many times the row's cell there; with `ANSWER=sum` in its environment, the sum of all.
"""
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BASE = os.environ["SAGEMAKER_BASE_DIR"]


class Handler(BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("content-type", "text/csv")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        rows = self.rfile.read(int(self.headers["content-length"])).decode().splitlines()
        self.answer("".join(f"{predicted(row)}\n" for row in rows).encode())

    def log_message(self, *_):
        pass


def predicted(row):
    if "column" in MODEL:
        return float(MODEL["number"]) * float(row.split(",")[int(MODEL["column"])])
    if os.environ.get("ANSWER") == "sum":
        return float(MODEL["number"]) * sum(float(cell) for cell in row.split(","))
    return MODEL["number"]


if sys.argv[1] == "train":
    with open(f"{BASE}/input/config/hyperparameters.json") as file:
        model = {"number": "0.5"} | json.load(file)
    with open(f"{BASE}/model/model", "w") as file:
        json.dump(model, file)
    print(f"rmse={model['number']};", flush=True)
else:
    with open(f"{BASE}/model/model") as file:
        MODEL = json.load(file)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
