"""Lets containers reach the database of `guilder serve`, which answers nobody but this machine.

    relay.py LISTEN_ADDRESS PORT

Listens on an address that containers reach (Docker's bridge) on a free port, prints that port, and hands each request on
to the port of 127.0.0.1. Whoever reaches the address may read and write that database while this runs.
"""

import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LISTEN, PORT = sys.argv[1], int(sys.argv[2])
HANDED_ON = ("content-type", "x-amz-target", "x-amz-date", "authorization", "user-agent")


class Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        database = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        headers = {name: self.headers[name] for name in HANDED_ON if name in self.headers}
        database.request("POST", "/", body, headers)
        answer = database.getresponse()
        said = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/x-amz-json-1.0"))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer((LISTEN, 0), Relay)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
