// `npm run demo`: plays a conversation through the running pipeline and shows what happens. `npm run demo -- --crash`: the
// same beside thirty lines of setTimeout, and both are killed in the middle of it.
import { buildIfNeeded } from './build.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript } from './steps.mjs'

await runScript(async () => {
  const args = process.argv.slice(2)
  if (args.some(arg => arg !== '--crash'))
    throw new Error(`demo: ${args.join(' ')} is not known: give --crash or nothing`)
  await installIfNeeded()
  await buildIfNeeded()
  // By way of 'exit', at which what was started is ended.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(code))
  const { play } = args.includes('--crash') ? await import('./demo/crash.mjs') : await import('./demo/conversation.mjs')
  return play()
})
