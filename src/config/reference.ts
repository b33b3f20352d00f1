/**
 * The settings as documentation: the text of docs/settings.md, and the table of secrets in docs/webhooks.md. Also the
 * variables that docker-compose.yml passes to its containers.
 */
import { type Group, groupsOf, type Known } from './known.js'
import { type Declared, declaredIn } from './setting.js'

const PREFACE = `# Settings

<!-- Made by \`npm run docs\` from the declarations in src/. Change them there. -->

The commands read these environment variables once, at the start. They also read \`.env\` in the working directory, which
never overrides a variable that is set. An empty variable counts as not set, but a secret that is set and empty stops
the start: it would check nothing.

A value that cannot be used stops the start with one line: the variable, its value (never a secret's) and its bounds. An
unknown \`LULL_…\` variable is logged, with the name that was probably meant.

The library reads no environment: it takes the options in the column *option*. Durations are milliseconds.
`

/** The text of docs/settings.md. */
export function settingsReference(known: Known): string {
  const shown = new Set<string>()
  const sections = new Map<string, string[][]>()
  for (const group of groupsOf(known))
    sections.set(group.title, [...(sections.get(group.title) ?? []), ...rowsOf(group, shown)])
  const columns = ['variable', 'default', 'values', 'option', 'meaning']
  return PREFACE + [...sections].map(([title, rows]) => `\n## ${title}\n\n${table(columns, rows)}`).join('')
}

/** The providers, their addresses and their secrets. */
export function providerTable({ providers }: Known): string {
  const rows = providers.list.map(({ name, title, option, settings }) => {
    const declared = settings ? declaredIn(settings) : []
    const variables = declared.map(([, { variable }]) => `\`${variable}\``)
    const options = declared.map(([key]) => `\`providers.${option}.${key}\``)
    return [title, `\`…/batched/${name}\``, variables.join(', ') || 'none: `LULL_ALLOW_UNSIGNED`', options.join(', ')]
  })
  return table(['provider', 'address', 'variables', 'options of the library'], rows)
}

/** Only the API needs these: a secret goes to no container that has no use for it. */
const OF_THE_API: ReadonlySet<string> = new Set(['API', 'Webhooks'])

/**
 * The variables of docker-compose.yml. A key without a value passes the variable on if it is set, and else sets
 * nothing.
 */
export function composeSettings(known: Known): string {
  const groups = groupsOf(known)
  const block = (anchor: string, isWanted: (title: string) => boolean) => {
    const declared = groups.filter(({ title }) => isWanted(title)).flatMap(({ settings }) => declaredIn(settings))
    const variables = new Set(declared.map(([, { variable }]) => variable))
    return `x-${anchor}: &${anchor}\n${[...variables].map(variable => `  ${variable}:\n`).join('')}`
  }
  const shared = block('settings', title => !OF_THE_API.has(title))
  return `${shared}\n${block('api-settings', title => OF_THE_API.has(title))}`
}

/** @param shown variables that the document lists already: two groups may share a setting */
function rowsOf({ of, settings, optionOf }: Group, shown: Set<string>): string[][] {
  return declaredIn(settings).flatMap(([name, declared]) => {
    if (shown.has(declared.variable)) return []
    shown.add(declared.variable)
    const option = optionOf?.(name)
    return [
      [
        `\`${declared.variable}\``,
        presetOf(declared),
        valuesOf(declared),
        option === undefined ? '' : `\`${option}\``,
        of === undefined ? declared.meaning : `**${of}.** ${declared.meaning}`,
      ],
    ]
  })
}

const isDuration = ({ variable }: Declared) => variable.endsWith('_MS')

/** The default as the environment has it, in words too: `` `10000` (10 s) ``. */
export function presetOf(declared: Declared): string {
  const { preset } = declared
  if (preset === undefined) return ''
  return isDuration(declared) ? `\`${preset}\`${inWords(Number(preset))}` : `\`${preset}\``
}

/** `a whole number from 10 to 3600000 (1 h)` */
export function valuesOf(declared: Declared): string {
  const bounds = declared.bounds?.replace(/^must be /, '') ?? ''
  const words = isDuration(declared) ? bounds.replace(/\d+/g, digits => digits + inWords(Number(digits))) : bounds
  return declared.isSecret ? ['secret', words].filter(Boolean).join('; ') : words
}

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

/** ` (10 s)` for 10,000; nothing for less than a second. */
function inWords(ms: number): string {
  const [length, unit] = UNITS.find(([each]) => ms >= each && ms % each === 0) ?? []
  return length === undefined ? '' : ` (${ms / length} ${unit})`
}

const cell = (text: string) => text.replaceAll('|', '\\|')

const table = (columns: string[], rows: string[][]) =>
  [columns, columns.map(() => '---'), ...rows].map(row => `| ${row.map(cell).join(' | ')} |\n`).join('')
