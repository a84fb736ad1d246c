"""Runs in place of a container image in the tests: `train` counts rows, `serve` names the model."""
import json, os, signal, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

BASE = os.environ["SAGEMAKER_BASE_DIR"]


def config(name):
    with open(f"{BASE}/input/config/{name}.json") as file:
        return json.load(file)


def read_pipe(number, most):
    """At most so many bytes of a pass over the channel train, in hexadecimal; then it is closed."""
    content = b""
    with open(f"{BASE}/input/data/train_{number}", "rb", buffering=0) as pipe:
        while len(content) < most and (more := pipe.read(min(65536, most - len(content)))):
            content += more
    return content.hex()


def train():
    parameters = config("hyperparameters")
    mode = parameters.get("mode")
    files = {}
    if mode == "pipes":
        # The first pass is left early, the others are not.
        files = [read_pipe(0, 4), read_pipe(1, 1 << 30), read_pipe(2, 1 << 30)]
    for channel in config("inputdataconfig"):
        top = f"{BASE}/input/data/{channel}"
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                with open(path) as file:
                    files[f"{channel}/{os.path.relpath(path, top)}"] = len(file.readlines())
    with open(f"{BASE}/model/model.json", "w") as file:
        json.dump({"name": parameters.get("name"), "files": files, "hosts": config("resourceconfig")["hosts"]}, file)
    for epoch in range(1, 4):
        print(f"epoch {epoch} rmse={float(parameters.get('divisor', 1)) / epoch};", flush=True)
    for line in range(int(parameters.get("lines", 0))):
        print(f"line {line}", flush=True)
    if mode == "fail":
        with open(f"{BASE}/output/failure", "w") as file:
            file.write("the label column is empty\n")
        sys.exit(1)
    if mode == "checkpoint":
        path = f"{BASE}/checkpoints/starts"
        starts = int(open(path).read()) + 1 if os.path.exists(path) else 1
        with open(path, "w") as file:
            file.write(str(starts))
        # The first two starts last long enough to be interrupted.
        time.sleep(0 if starts > 2 else 300)
    if mode == "hang":
        child = subprocess.Popen(["sleep", "300"])
        print(f"pids {os.getpid()} {child.pid}", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        time.sleep(300)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(300)
    with open(f"{BASE}/output/data/report.txt", "w") as file:
        file.write(os.environ.get("GREETING", ""))


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if body == "fail":
            return self.answer(500, b"no such user")
        if body == "die":
            os._exit(9)
        with open(f"{BASE}/model/model.json") as file:
            model = json.load(file)
        self.answer(200, json.dumps({
            "model": model["name"], "body": body, "pid": os.getpid(),
            "content_type": self.headers["content-type"], "accept": self.headers["accept"],
        }).encode())

    def log_message(self, *_):
        pass


def serve():
    if os.environ.get("MODE") == "die":
        print("loading\nthe model is broken\n", flush=True)
        sys.exit(3)
    if os.environ.get("MODE") == "mute":
        time.sleep(300)
    HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()


{"train": train, "serve": serve}[sys.argv[1]]()
