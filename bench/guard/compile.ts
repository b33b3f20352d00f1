/** Whether the benchmarks compile: `npm run check` cannot say, as it has neither their packages nor the built Lull. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const COMPILER = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
const PROJECT = fileURLToPath(new URL('../tsconfig.json', import.meta.url))

/** The compiler prints what is wrong. */
export async function compiles(): Promise<boolean> {
  const compiler = spawn(COMPILER, ['-p', PROJECT, '--noEmit'], { stdio: 'inherit' })
  const [code] = await once(compiler, 'exit')
  console.log(`bench/ ${code === 0 ? 'compiles' : 'DOES NOT COMPILE'}`)
  return code === 0
}
