"""In place of BullMQ's package, which CI cannot install: a Worker that takes the one job that JOB contains."""
import asyncio
import json
import os


class Job:
    def __init__(self, data):
        self.data = data


class Worker:
    def __init__(self, name, process, opts):
        print(f"worker {name} {json.dumps(opts, sort_keys=True)}", flush=True)
        self.task = asyncio.ensure_future(self.run(process))

    async def run(self, process):
        try:
            result = await process(Job(json.loads(os.environ["JOB"])), "token")
            print(f"completed {json.dumps(result)}", flush=True)
        except Exception as error:
            print(f"failed {error}", flush=True)

    async def close(self):
        await self.task
        print("closed", flush=True)
