// `npm start`: installs what is missing, builds what has changed, then becomes `lull up`, in this very process. It may run
// on a machine that has nothing but Node and npm: only Node's own modules until the packages are there.
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
