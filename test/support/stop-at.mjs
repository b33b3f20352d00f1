// For `node --import`: sends a Lull process a signal at one point of its work on Redis, the first time that it gets
// there, or the nth time. STOP_AT=<before|after>:<script>:<signal>[:<n>], for example `after:lull-claim:SIGKILL`.
// `after` is when the reply has arrived and has not been used yet; replies that moved nothing do not count.
import { writeSync } from 'node:fs'
import { Redis } from 'ioredis'

const [when, script, signal, nth = '1'] = (process.env.STOP_AT ?? '').split(':')
let timesBefore = Number(nth)

function stopHere() {
  timesBefore -= 1
  if (timesBefore !== 0) return
  writeSync(process.stderr.fd, `STOPPED ${process.env.STOP_AT}\n`)
  process.kill(process.pid, signal)
}

/** Whether a claim brought batches, an answer freed its conversation, or a commit was granted. */
function hasMoved(reply) {
  if (script === 'lull-claim') return reply[0].length > 0
  if (script === 'lull-answered') return reply.some(([freed]) => freed === 1)
  if (script === 'lull-commit') return reply[0] === 'go'
  return true
}

const { defineCommand } = Redis.prototype
Redis.prototype.defineCommand = function (name, definition) {
  defineCommand.call(this, name, definition)
  // The script's name is the same for one Redis and for a partition.
  if (name.replace(/^lull-(whole|partition|sharded)-/, 'lull-') !== script) return
  const send = this[name]
  this[name] = async (...args) => {
    if (when === 'before') stopHere()
    const reply = await send.apply(this, args)
    if (when === 'after' && hasMoved(reply)) stopHere()
    return reply
  }
}
