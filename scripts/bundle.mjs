// Bundles src/ with esbuild. Whoever installs Lull gets few packages, and each process reads a few files instead of
// hundreds:
//
//   esm/       index.js (the library), bin.js and cli.js (the command line). They share chunks, so a class of the
//              library is the same object in the command line and in a handler that imports the library
//   cjs/       index.js, the library alone
//   internal/  what tests and scripts of this repository run without the sources; not in the package
//
// A package stays outside if package.json asks the user for it, as a dependency or an optional peer. All others are
// bundled; their licences are written beside them.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')

const INTERNAL = ['cli/private-redis', 'handover/commits', 'log', 'rules', 'store/redis/store', 'worker/worker']
const LICENCES = 'THIRD-PARTY-LICENSES.txt'
const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i
/** The module that `import { Redis } from 'ioredis'` of an ESM file goes through, and what it has to export. */
const CLIENT = 'ioredis.cjs'
const CLIENT_NAMES = ['AbstractConnector', 'Redis']

/** Bundled CommonJS packages require Node's own modules. A user's bundler may leave `import.meta.url` undefined. */
const REQUIRE =
  "import { createRequire as lullRequire } from 'node:module'; const require = lullRequire(import.meta.url ?? 'file:///lull.js');"

/** @param {string} dist the folder that is written @throws if a file cannot be bundled; esbuild has printed why */
export async function bundle(dist) {
  // Imported here: scripts/build.mjs is loaded before any package is installed.
  const { build } = await import('esbuild')
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // No line is long and names stay: Node prints the line of an error that nobody catches.
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  }
  const esm = {
    ...shared,
    format: 'esm',
    splitting: true,
    outbase: source,
    chunkNames: 'chunk-[hash]',
    banner: { js: REQUIRE },
    plugins: [await outside({ redirect: { ioredis: `./${CLIENT}` } })],
  }
  const sourcesOf = names => names.map(name => join(source, `${name}.ts`))
  const results = await Promise.all([
    build({ ...esm, entryPoints: sourcesOf(['index', 'bin', 'cli']), outdir: join(dist, 'esm') }),
    build({
      ...shared,
      format: 'cjs',
      entryPoints: sourcesOf(['index']),
      outdir: join(dist, 'cjs'),
      plugins: [await outside()],
    }),
    build({ ...esm, entryPoints: sourcesOf(INTERNAL), outdir: join(dist, 'internal'), plugins: [await outside()] }),
  ])
  await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n')
  // An ESM import of a CommonJS package makes Node search all of its files for names of exports, which takes as long
  // as loading them. This file is searched instead.
  const client = CLIENT_NAMES.map(name => `exports.${name} = require('ioredis').${name}\n`)
  await writeFile(join(dist, 'esm', CLIENT), client.join(''))
  await writeFile(join(dist, LICENCES), await licencesOf(packagesIn(results.slice(0, 2))))
}

/** Leaves the packages outside that package.json asks a user for. @param redirect other modules for some of them */
async function outside({ redirect = {} } = {}) {
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const isOurs = importer => importer.startsWith(`${source}/`)
  return {
    name: 'outside',
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return undefined
        const name = path.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? path
        if (redirect[path] && isOurs(importer)) return { path: redirect[path], external: true }
        if (name in dependencies) return { path, external: true }
        // An optional peer is optional for Lull. A bundled package that needs it has to have it.
        if (name in peerDependencies && isOurs(importer)) return { path, external: true }
        return undefined
      })
      // The name `z` would bring all of zod, its forty languages too; of `* as z` esbuild keeps what is used.
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        const names =
          /^import \{([^}]*)\} from 'ioredis'/m
            .exec(text)?.[1]
            ?.split(',')
            .map(name => name.trim()) ?? []
        const unknown = names.find(name => !name.startsWith('type ') && !CLIENT_NAMES.includes(name))
        if (unknown) return { errors: [{ text: `CLIENT_NAMES in scripts/bundle.mjs lacks ${unknown} of ioredis` }] }
        return { contents: text.replace("import { z } from 'zod'", "import * as z from 'zod'"), loader: 'ts' }
      })
    },
  }
}

/** The folders of the bundled packages, from esbuild's metafiles. */
export function packagesIn(results) {
  const inputs = results.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap(output => Object.entries(output.inputs)),
  )
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file)
  const folders = used.flatMap(file => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])
  return [...new Set(folders)].sort()
}

async function licencesOf(folders) {
  const parts = await Promise.all(
    folders.map(async folder => {
      const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
      const files = (await readdir(join(root, folder))).filter(file => LICENCE_FILE.test(file)).sort()
      const texts = await Promise.all(files.map(file => readFile(join(root, folder, file), 'utf8')))
      return [`${name} ${version}: ${license}`, ...texts.map(text => text.trim())].join('\n\n')
    }),
  )
  const line = `\n\n${'-'.repeat(80)}\n\n`
  return `These packages are part of the files beside this one, with the terms of their authors.${line}${parts.join(line)}\n`
}
