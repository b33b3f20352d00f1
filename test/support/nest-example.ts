/** examples/nestjs.ts, compiled as `nest build` compiles it, in a folder of its own with the packages that it imports. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, runNode } from './processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(root, 'node_modules')
const PACKAGES = ['@nestjs', '@types', 'express', 'reflect-metadata', 'rxjs', 'undici-types']

export interface Compiled {
  /** The path of the program, for Node. */
  program: string
  remove(): Promise<void>
}

export async function compileNest(): Promise<Compiled> {
  await build()
  const folder = await mkdtemp(join(tmpdir(), 'lull-nest-'))
  await mkdir(join(folder, 'node_modules'))
  for (const name of PACKAGES) await symlink(join(modules, name), join(folder, 'node_modules', name))
  await symlink(root, join(folder, 'node_modules/lull'))
  await cp(join(root, 'examples/nestjs.ts'), join(folder, 'main.ts'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    strict: true,
    emitDecoratorMetadata: true,
    experimentalDecorators: true,
    isolatedModules: true,
    skipLibCheck: true,
    outDir: 'dist',
    rootDir: '.',
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  await runNode([join(modules, 'typescript/bin/tsc'), '--project', folder])
  return { program: join(folder, 'dist/main.js'), remove: () => rm(folder, { recursive: true, force: true }) }
}
