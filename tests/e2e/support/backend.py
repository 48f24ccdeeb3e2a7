"""A backend that answers what a test told it to, and keeps every request exactly as it came."""

import json
import select
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """One answer: a `body`, or `chunks` that are sent one at a time, or (`hang`) nothing until the client goes away."""

    status: int = 200
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = b""
    chunks: object = None
    hang: bool = False


@dataclass
class Request:
    """What arrived. `abandoned` is set when the client was gone before the answer was complete."""

    method: str
    path: str
    headers: dict
    body: bytes
    abandoned: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def messages(self):
        return self.json["messages"]


def completion(text, **extra):
    """A chat completion whose answer is `text`, with a field that no SDK knows."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "scripted",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        "x_vendor": {"kept": True},
        **extra,
    }
    return Reply(body=json.dumps(body).encode())


def event(choices, **extra):
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "scripted", "choices": choices}
    return b"data: " + json.dumps({**chunk, **extra}).encode() + b"\n\n"


def stream(pieces, usage=None):
    """A stream that says `pieces`: first the role, at the end the reason, then the usage in a chunk without choices."""

    def chunks():
        yield event([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
        for piece in pieces:
            yield event([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
        yield event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        if usage:
            yield event([], usage=usage)
        yield b"data: [DONE]\n\n"

    return raw_stream(chunks)


def raw_stream(chunks):
    return Reply(headers={"Content-Type": "text/event-stream"}, chunks=chunks)


def error(status, message, headers=None, **fields):
    body = {"error": {"message": message, "type": "scripted_error", "param": None, "code": None, **fields}}
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode())


def html(status):
    return Reply(status, {"Content-Type": "text/html"}, b"<html><body><h1>It broke</h1></body></html>")


class ScriptedBackend:
    """Answers by the request's `model`, or by its path where the body names none, so tests share one without meeting."""

    def __init__(self):
        self._lock = threading.Lock()
        self._replies = {}
        self._requests = {}
        self._stopping = threading.Event()
        backend = self

        class Handler(_Handler):
            scripted = backend

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def on(self, key, *replies):
        """Answers requests for the model (or path) `key` with `replies`, one after another, the last one for ever."""
        with self._lock:
            self._replies[key] = list(replies)

    def requests(self, key):
        with self._lock:
            return list(self._requests.get(key, []))

    def last(self, key):
        return self.requests(key)[-1]

    def take(self, key, request):
        with self._lock:
            self._requests.setdefault(key, []).append(request)
            replies = self._replies.get(key)
            if not replies:
                return error(404, f"The model `{key}` does not exist", code="model_not_found")
            return replies.pop(0) if len(replies) > 1 else replies[0]

    @property
    def stopping(self):
        return self._stopping.is_set()

    def stop(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    scripted = None

    def log_message(self, *_):
        pass

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        reply = self.scripted.take(self._key(body), request)
        try:
            if reply.hang:
                self._wait_until_gone()
                request.abandoned.set()
                self.close_connection = True
            elif reply.chunks is not None:
                self._stream(reply)
            else:
                self._head(reply, {"Content-Length": str(len(reply.body))})
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
        except OSError:
            request.abandoned.set()
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = _answer

    def _key(self, body):
        try:
            return json.loads(body)["model"]
        except (ValueError, KeyError, TypeError):
            return self.path

    def _head(self, reply, headers):
        self.send_response(reply.status)
        for name, value in {**reply.headers, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, reply):
        self._head(reply, {"Transfer-Encoding": "chunked"})
        for chunk in reply.chunks():
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _wait_until_gone(self):
        while not self.scripted.stopping:
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return
