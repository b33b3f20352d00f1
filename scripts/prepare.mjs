// npm's `prepare`: builds dist/ before the package is packed, also when it is installed from a git address, where npm
// has installed the development packages first. Without them there is nothing to build with.
import { buildIfNeeded } from './build.mjs'
import { runScript, say } from './steps.mjs'

await runScript(async () => {
  try {
    import.meta.resolve('esbuild')
  } catch {
    say('the development packages are not installed, so dist/ is not built')
    return
  }
  await buildIfNeeded()
})
