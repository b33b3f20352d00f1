"""Receives batches over HTTP in Python, and sends an answer only if nothing newer came. Standard library only, 3.9+.

    export LULL_HANDOVER_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw LULL_API_TOKEN=token
    python3 examples/receiver.py
    # in another terminal, with the same two variables:
    LULL_ANSWERING=supersede LULL_EARLY_START_MS=2000 LULL_HANDOVER=http \\
      LULL_HANDOVER_URL=http://127.0.0.1:4000/batches npx lull up

It stores the batch, responds 202 at once and works in a thread. Before it sends, it commits: Lull then waits for the
person's silence, and says whether newer messages have superseded the batch meanwhile. Nothing that cannot be taken back
comes before that. RECEIVER_DB=receiver.db keeps the batches in that file: a restart goes on with those that are not done.
"""
import base64
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = os.environ.get("LULL_API_URL", "http://127.0.0.1:3000")
TOKEN = os.environ.get("LULL_API_TOKEN", "")
SECRET = base64.b64decode(os.environ["LULL_HANDOVER_SECRET"].removeprefix("whsec_"))
PORT = int(os.environ.get("PORT", "4000"))
# A thread that waits for its commit is busy: as many conversations are answered at once.
WORKERS = ThreadPoolExecutor(max_workers=32)
WAIT_MS = 60_000
TOLERANCE_S = 300
MOST_BYTES = 32 * 1024 * 1024

KEPT_S = 86_400

# What was taken, until a day after it is done. By its id a batch that comes again is sent once.
db = sqlite3.connect(os.environ.get("RECEIVER_DB", ":memory:"), check_same_thread=False, isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS batches (id TEXT PRIMARY KEY, body BLOB, sent INT DEFAULT 0, done_at INT)")
running = set()
lock = threading.Lock()


def take(batch, body):
    """Stores a batch. True: no thread works on it yet."""
    batch_id = batch["batchId"]
    with lock:
        db.execute("DELETE FROM batches WHERE done_at < ?", (int(time.time()) - KEPT_S,))
        db.execute("INSERT OR IGNORE INTO batches (id, body) VALUES (?, ?)", (batch_id, body))
        db.execute("UPDATE batches SET done_at = NULL WHERE id = ?", (batch_id,))
        is_new = batch_id not in running
        running.add(batch_id)
        return is_new


def was_sent(batch_id):
    with lock:
        return db.execute("SELECT 1 FROM batches WHERE id = ? AND sent", (batch_id,)).fetchone() is not None


def mark_sent(batch_id):
    with lock:
        db.execute("UPDATE batches SET sent = 1 WHERE id = ?", (batch_id,))


def mark_done(batch_id):
    with lock:
        db.execute("UPDATE batches SET done_at = ? WHERE id = ?", (int(time.time()), batch_id))
        running.discard(batch_id)


def work(batch):
    """The slow part: ask a model. It changes nothing that anybody sees."""
    return f"I have read your {len(batch['messages'])} messages"


def send(batch, reply):
    print(f"sent to {batch['chatId']}: {reply}", flush=True)


def answer(batch):
    batch_id = batch["batchId"]
    try:
        outcome = answered(batch)
    except Exception as error:
        print(f"{batch_id} failed: {error!r}", flush=True)
        outcome = "failed"
    if outcome is not None:
        # The conversation's next batch comes after this report.
        status, body = call(f"/batches/{quoted(batch_id)}/answered", {"outcome": outcome})
        if status != 200:
            print(f"{batch_id} could not be reported: {status} {body}", flush=True)
    mark_done(batch_id)


def answered(batch):
    """None: there is nothing to send, and nothing to report."""
    batch_id = batch["batchId"]
    print(f"working on {batch_id}: {batch['text']!r}", flush=True)
    reply = work(batch)
    if not commit(batch_id):
        print(f"sent nothing for {batch_id}", flush=True)
        return None
    # A batch may come again, if our 202 or our report was lost.
    if was_sent(batch_id):
        print(f"{batch_id} was sent before", flush=True)
    else:
        send(batch, reply)
        # We may die before this line. So if your channel takes an idempotency key, give it the batch's id.
        mark_sent(batch_id)
    return "completed"


def commit(batch_id):
    """True: send it, nothing supersedes it any more. False: newer messages came, or it is answered already."""
    while True:
        status, body = call(f"/batches/{quoted(batch_id)}/commit?waitMs={WAIT_MS}")
        if status == 200:
            return True
        if status == 409:
            print(f"{batch_id} was superseded by {body['superseded']}", flush=True)
            return False
        if status == 410:
            print(body["error"], flush=True)
            return False
        if status != 425:  # Still too early: the person goes on writing. Ask again.
            raise RuntimeError(f"the commit was answered {status}: {body}")


def call(path, body=None):
    """POSTs to Lull's API. While the API or its Redis is away, asks again."""
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    while True:
        request = urllib.request.Request(API + path, data=data, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 15) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in (502, 503, 504):  # 502 and 504: a proxy in between has lost the API.
                return error.code, json.load(error)
            time.sleep(int(error.headers.get("retry-after", "5")))
        except OSError as error:
            print(f"{API} cannot be reached: {error}", flush=True)
            time.sleep(1)


def quoted(batch_id):
    return urllib.parse.quote(batch_id, safe="")


def is_signed(headers, body):
    """As https://www.standardwebhooks.com specifies. The signature covers the bytes of the body."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    digest = hmac.new(SECRET, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > MOST_BYTES:
            self.close_connection = True
            return self.reply(413)
        body = self.rfile.read(length)
        if not is_signed(self.headers, body):
            return self.reply(401)
        batch = json.loads(body)
        is_new = take(batch, body)
        self.reply(202)
        if is_new:
            WORKERS.submit(answer, batch)

    def reply(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    # What is not done by then goes on after the next start, with RECEIVER_DB.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for (body,) in db.execute("SELECT body FROM batches WHERE done_at IS NULL").fetchall():
        batch = json.loads(body)
        take(batch, body)
        WORKERS.submit(answer, batch)
    print(f"waiting for batches at http://127.0.0.1:{server.server_port}/batches", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        os._exit(0)
