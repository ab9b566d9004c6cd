# pyright: basic
# Runs in a pod, with nothing but Python.
"""Stands in for every provider of models: says which model it was asked for, and with which key, as a digest."""

import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8000
PAUSE_SECONDS = 0.5


class Upstream(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = urlsplit(self.path).path
        model = str(body.get("model") or path.rpartition("/")[2].partition(":")[0])
        said = f"{model} with {hashlib.sha256(self.key().encode()).hexdigest()}"
        if ":generateContent" in path:
            content = {"role": "model", "parts": [{"text": said}]}
            usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
            self.answer({"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage})
        elif path.endswith("/messages"):
            self.stream(model, said)
        elif body.get("stream"):
            self.trickle(model, said)
        else:
            message = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            about = {"id": "1", "object": "chat.completion", "created": 1, "model": model}
            self.answer({**about, "choices": [message], "usage": usage})

    def key(self):
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        given = given or self.headers.get("x-goog-api-key") or self.headers.get("x-api-key")
        return given or parse_qs(urlsplit(self.path).query).get("key", [""])[0]

    def stream(self, model, said):
        """As Anthropic does: events, word by word."""
        usage = {"input_tokens": 3, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
        events = [
            {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"{word} "}}
                for word in said.split()
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
        ]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in events:
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

    def trickle(self, model, said):
        """As OpenAI does: chunks, which take some seconds together. Their ID has the address of who asked."""
        asked = ":".join(map(str, (*self.client_address, time.time_ns())))
        # As every model, it thinks first. An ingress controller written in Go cuts a stream that begins while the thread that
        # wrote the request still waits for a processor: net/http then closes the request's body under it.
        time.sleep(PAUSE_SECONDS)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        parts = [said[begin : begin + 8] for begin in range(0, len(said), 8)]
        for delta, reason in [*(({"content": part}, None) for part in parts), ({}, "stop")]:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": asked, "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
            try:
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
            except OSError as error:
                self.log_message("%s went before the end: %r", asked, error)
                raise
            time.sleep(PAUSE_SECONDS)
        self.wfile.write(b"data: [DONE]\n\n")

    def answer(self, content):
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Server(ThreadingHTTPServer):
    # Clients of a load come at the same moment.
    request_queue_size = 128


if __name__ == "__main__":
    Server(("", PORT), Upstream).serve_forever()
