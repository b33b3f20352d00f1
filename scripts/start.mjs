// `npm start`: installs what is missing, builds what has changed, then runs `lull up` in this process. It also runs on a
// machine that has only Node and npm, so it uses Node's own modules until the packages are installed.
import { buildIfNeeded } from './build.mjs'
import { installIfNeeded } from './install.mjs'
import { runScript } from './steps.mjs'

await runScript(async () => {
  await installIfNeeded()
  await buildIfNeeded()
})
if (process.exitCode === 0) {
  const { main } = await import('../dist/esm/cli.js')
  await main(['up', ...process.argv.slice(2)])
}
