"""Serves a rotation function written for AWS Lambda to Mayfly: python3 serve.py MODULE [PORT-FILE].

MODULE has a lambda_handler(event, context). ROTATION_SIGNING_KEY is the signing key of the rotation; calls that are not
signed with it, or are older than five minutes, are refused. Listens on 127.0.0.1, at PORT or at a free port, which is
written to PORT-FILE.
"""

import hashlib
import hmac
import http.server
import importlib
import json
import os
import sys
import time

import boto3

HANDLER = importlib.import_module(sys.argv[1]).lambda_handler
KEY = os.environ["ROTATION_SIGNING_KEY"].encode()
OLDEST = 300


def is_signed(headers, body):
    when = headers.get("X-Mayfly-Timestamp", "")
    expected = "sha256=" + hmac.new(KEY, when.encode() + b"." + body, hashlib.sha256).hexdigest()
    return (
        hmac.compare_digest(expected, headers.get("X-Mayfly-Signature", ""))
        and when.isdigit()
        and abs(time.time() - int(when)) < OLDEST
    )


class Function(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_signed(self.headers, body):
            self.reply(403, {"errorMessage": "the call is not signed with the key of this function"})
            return
        event = json.loads(body)
        boto3.use_event(event)
        status, answer = 200, None
        try:
            HANDLER(event, None)
        except Exception as error:  # As Lambda reports it.
            status, answer = 500, {"errorType": type(error).__name__, "errorMessage": str(error)}
        self.reply(status, answer)

    def reply(self, status, answer):
        data = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True  # The caller is gone; it will ask again.

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Function)
    if len(sys.argv) > 2:
        with open(sys.argv[2] + ".next", "w", encoding="utf-8") as file:
            file.write(str(server.server_port))
        os.replace(sys.argv[2] + ".next", sys.argv[2])
    server.serve_forever()
