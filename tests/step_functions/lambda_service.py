"""Lambda for functions that run as processes here: their runtime API, and the invocation of them.

A function is its own binary, several processes of it, each of which asks its runtime API for the next event, as in
Lambda. Whatever is not an invocation is handed on to the other services.
"""

import http.client
import json
import os
import queue
import re
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
OUTCOME = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
HOP_HEADERS = {"host", "content-length", "connection", "transfer-encoding", "date", "server"}
INVOCATION_SECONDS_MAX = 120


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(handler):
    """A server on a free port of loopback, for as long as the process lives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Function:
    """A function: processes of its binary, and the events that they have not taken yet."""

    def __init__(self, binary, environment, instances):
        self.waiting = queue.Queue()
        self.running = {}
        self.events = []
        self.fault_of = lambda event: None
        function = self

        class RuntimeApi(Handler):
            def do_GET(self):
                request, event = function.waiting.get()
                self.answer(200, event, [("Lambda-Runtime-Aws-Request-Id", request),
                                         ("Lambda-Runtime-Deadline-Ms", "99999999999999"),
                                         ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:any")])

            def do_POST(self):
                outcome = OUTCOME.fullmatch(self.path)
                function.running.pop(outcome[1]).put((outcome[2] == "error", self.body()))
                self.answer(202)

        address = f"127.0.0.1:{serve(RuntimeApi)}"
        environment = {"PATH": os.environ["PATH"], **environment, "AWS_LAMBDA_RUNTIME_API": address,
                       "AWS_LAMBDA_FUNCTION_NAME": binary.name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                       "AWS_LAMBDA_FUNCTION_VERSION": "1"}
        self.processes = [subprocess.Popen([binary], env=environment, stdout=subprocess.DEVNULL)
                          for _ in range(instances)]

    def invoke(self, event):
        """Whether it failed, and what it said."""
        document = json.loads(event)
        self.events.append(document)
        fault = self.fault_of(document)
        if fault:
            return True, json.dumps({"errorType": fault, "errorMessage": "asked for by the test"}).encode()
        request, outcome = str(uuid.uuid4()), queue.Queue()
        self.running[request] = outcome
        self.waiting.put((request, event))
        return outcome.get(timeout=INVOCATION_SECONDS_MAX)


def service(functions, others_port):
    """Answers invocations, and hands everything else on; the port."""

    class Service(Handler):
        def any(self):
            body, found = self.body(), INVOCATION.match(self.path)
            if found:
                # An ARN is called by its function's name.
                failed, said = functions[unquote(found[1]).split(":function:")[-1]].invoke(body)
                error = [("X-Amz-Function-Error", "Unhandled")] if failed else []
                headers = [("x-amzn-RequestId", str(uuid.uuid4())), ("X-Amz-Executed-Version", "$LATEST")]
                return self.answer(200, said, headers + error)
            others = http.client.HTTPConnection("127.0.0.1", others_port, timeout=900)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
            others.request(self.command, self.path, body, headers | {"Host": self.headers.get("Host", "")})
            answer = others.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS]
            return self.answer(answer.status, answer.read(), kept)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = any

    return serve(Service)
