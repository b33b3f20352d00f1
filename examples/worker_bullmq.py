"""A worker of BullMQ's Python package for Lull's jobs, with a commit before it sends. Python 3.10+.

    pip install bullmq
    REDIS_URL=redis://127.0.0.1:6379 LULL_API_TOKEN=token python3 examples/worker_bullmq.py

Run `lull api` and `lull processor` beside it. See docs/recipes/bullmq-python.md.
"""
import asyncio
import json
import os
import signal
import urllib.error
import urllib.parse
import urllib.request

from bullmq import Worker

API = os.environ.get("LULL_API_URL", "http://127.0.0.1:3000")
TOKEN = os.environ.get("LULL_API_TOKEN", "")
WAIT_MS = 60_000
# What Lull knows a job by that was superseded.
SUPERSEDED = {"superseded": True}


async def answer(job, token):
    batch = job.data
    reply = await work(batch)
    if not await commit(batch["batchId"]):
        return SUPERSEDED
    await send(batch["chatId"], reply)


async def work(batch):
    """Ask a model. It changes nothing that anybody sees."""
    return f"I have read your {len(batch['messages'])} messages"


async def send(chat_id, reply):
    print(f"sent to {chat_id}: {reply}", flush=True)


async def commit(batch_id):
    """True: send it. False: newer messages superseded the batch, or its answer has ended."""
    while True:
        status, body = await asyncio.to_thread(ask, batch_id)
        if status == 200:
            return True
        if status in (409, 410):
            return False
        if status != 425:  # Too early: the person goes on writing. Ask again.
            raise RuntimeError(f"the commit was answered {status}: {body}")


def ask(batch_id):
    url = f"{API}/batches/{urllib.parse.quote(batch_id, safe='')}/commit?waitMs={WAIT_MS}"
    request = urllib.request.Request(url, data=b"", headers={"authorization": f"Bearer {TOKEN}"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 15) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


async def main():
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    worker = Worker(
        os.environ.get("LULL_QUEUE", "messages"),
        answer,
        {
            "connection": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"),
            "prefix": os.environ.get("LULL_QUEUE_PREFIX", "bull"),
            # A job that waits for its commit holds a place.
            "concurrency": 16,
        },
    )
    print("waiting for batches", flush=True)
    await stop.wait()
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
