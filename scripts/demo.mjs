// `npm run demo`: plays the same burst to three bots, and prints when each reply came.
//
//   -- --scale=1   all times at life size; 0.3 by default
//   -- --serial    a repeated delivery, and a message that comes while the bot answers, through `lull up`
//   -- --crash     a kill -9 in the middle, of `lull up` and of thirty lines of setTimeout
import { parseArgs } from 'node:util'
import { buildIfNeeded } from './build.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript } from './steps.mjs'

const SCALE = '0.3'
const SMALLEST_SCALE = 0.02

await runScript(async () => {
  const { scene, scale } = choice(process.argv.slice(2))
  await installIfNeeded()
  await buildIfNeeded()
  // process.exit() emits 'exit', on which the demo ends the processes that it has started.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(code))
  const { play } = await import(`./demo/${scene}.mjs`)
  return play({ scale })
})

/** @throws one line that names what can be given */
function choice(args) {
  const { values } = parseArgs({
    args,
    options: { serial: { type: 'boolean' }, crash: { type: 'boolean' }, scale: { type: 'string', default: SCALE } },
  })
  const scale = Number(values.scale)
  if (!(scale >= SMALLEST_SCALE && scale <= 1))
    throw new Error(`demo: --scale=${values.scale} must be a number from ${SMALLEST_SCALE} to 1`)
  return { scene: values.crash ? 'crash' : values.serial ? 'serial' : 'three-ways', scale }
}
