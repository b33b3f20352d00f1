/**
 * The Helm chart, rendered by Helm and checked against Kubernetes' types: kubectl turns what Helm renders into JSON, and
 * the TypeScript compiler finds every field that Kubernetes does not know, that has another type, or that is missing.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runCommand, runNode } from './processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tools = join(root, 'test/deploy/tools')
const bin = (name: string) => join(tools, 'node_modules/.bin', name)
const CHART = join(root, 'ops/helm/lull')

/** An object of Kubernetes. What a test reads of it, it parses. */
const RESOURCE = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
})
export type Resource = z.infer<typeof RESOURCE>

export const noHelm = (): string | undefined =>
  existsSync(bin('helm')) && existsSync(bin('kubectl'))
    ? undefined
    : 'no Helm here: node scripts/deploy-tools.mjs, on Linux on x86-64'

/**
 * @param values as `--set-json` takes them, by path: `{ 'api.replicas': 3 }`
 * @param yaml the content of a values file
 */
export async function helm(
  command: 'lint' | 'template',
  values: Record<string, unknown>,
  yaml = '{}',
): Promise<string> {
  const sets = Object.entries(values).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`])
  const args = command === 'lint' ? ['lint', '--strict', CHART] : ['template', 'shop', CHART, '--namespace', 'bots']
  return inFolder(folder => {
    const file = join(folder, 'values.yaml')
    writeFileSync(file, yaml)
    return runCommand(bin('helm'), [...args, `--values=${file}`, ...sets])
  })
}

/** The objects that the chart renders to. */
export async function rendered(values: Record<string, unknown>): Promise<Resource[]> {
  return inFolder(async folder => {
    const file = join(folder, 'rendered.yaml')
    writeFileSync(file, await helm('template', values))
    // `label --local` asks no cluster; it prints one JSON object after the other.
    const printed = await runCommand(bin('kubectl'), ['label', '--local', '--output=json', `--filename=${file}`, 'a=b'])
    return z.array(RESOURCE).parse(JSON.parse(`[${printed.replaceAll(/^\}\n(?=\{)/gm, '},\n')}]`))
  })
}

/**
 * What is wrong with objects by Kubernetes' own types, a line each: the compiler's errors.
 * @throws for an object of a kind that has no types
 */
export async function complaintsAbout(resources: readonly Resource[]): Promise<string[]> {
  return inFolder(async folder => {
    const lines = resources.map(({ apiVersion, kind, ...rest }, i) => {
      const type = `import('kubernetes-models/${apiVersion}/${kind}').I${kind}`
      return `export const object${i}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest })}`
    })
    writeFileSync(join(folder, 'objects.mts'), lines.join('\n'))
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', '']
    const tsc = [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'objects.mts']
    try {
      await runNode(tsc, { cwd: folder })
      return []
    } catch (error) {
      return String(error)
        .split('\n')
        .filter(line => line.includes('error TS'))
    }
  })
}

/** Beside the tools' packages, so that the compiler finds them. */
async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tools, 'node_modules/.rendered-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
