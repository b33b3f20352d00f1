// `npm run demo`: plays a conversation through the running pipeline and shows what happens. `npm run demo -- --crash` plays
// it to thirty lines of setTimeout as well, and kills both in the middle.
import { buildIfNeeded } from './build.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript } from './steps.mjs'

await runScript(async () => {
  const args = process.argv.slice(2)
  if (args.some(arg => arg !== '--crash'))
    throw new Error(`demo: ${args.join(' ')} is not known: give --crash or nothing`)
  await installIfNeeded()
  await buildIfNeeded()
  // process.exit() emits 'exit', on which the demo ends the processes that it has started.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(code))
  const { play } = args.includes('--crash') ? await import('./demo/crash.mjs') : await import('./demo/conversation.mjs')
  return play()
})
