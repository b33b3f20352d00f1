// Writes what is derived from other files. `npm run docs` runs it; unit tests fail while one of them is out of date.
//
//   docs/settings.md, docker-compose.yml, the providers in docs/webhooks.md   from the declarations of the settings
//   the kinds and the reasons in docs/webhooks.md                             from the tests' cases
//   docs/openapi.json, docs/batch.schema.json                                 from the shapes of routes and of the batch
//   src/rule-types.ts, src/providers/provider-types.ts                        from the declarations of the settings
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openApi } from '../src/api/openapi/document.ts'
import { batchSchema } from '../src/batch-schema.ts'
import { KNOWN } from '../src/config/known.ts'
import { providerTypes, ruleTypes } from '../src/config/option-types.ts'
import { composeSettings, providerTable, settingsReference } from '../src/config/reference.ts'
import { kindsTable, reasonsList } from '../test/support/kinds/kinds-table.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const betweenMarkers = name => new RegExp(`(<!-- ${name}: [^>]*-->\n).*?(<!-- /${name} -->)`, 's')

writeFileSync(`${docs}settings.md`, settingsReference(KNOWN))

const src = fileURLToPath(new URL('../src/', import.meta.url))
writeFileSync(`${src}rule-types.ts`, ruleTypes(KNOWN))
writeFileSync(`${src}providers/provider-types.ts`, providerTypes(KNOWN))

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8'))
const json = value => `${JSON.stringify(value, null, 2)}\n`
writeFileSync(`${docs}openapi.json`, json(openApi(version)))
writeFileSync(`${docs}batch.schema.json`, json(batchSchema()))

const tables = { providers: providerTable(KNOWN), kinds: kindsTable(), reasons: reasonsList() }
let webhooks = readFileSync(`${docs}webhooks.md`, 'utf8')
for (const [name, table] of Object.entries(tables)) {
  const markers = betweenMarkers(name)
  if (!markers.test(webhooks)) throw new Error(`docs/webhooks.md: the markers of the table of ${name} are gone`)
  webhooks = webhooks.replace(markers, (_, start, end) => `${start}\n${table.trimEnd()}\n\n${end}`)
}
writeFileSync(`${docs}webhooks.md`, webhooks)

const compose = fileURLToPath(new URL('../docker-compose.yml', import.meta.url))
const yaml = readFileSync(compose, 'utf8')
const BETWEEN_COMMENTS = /(# settings: [^\n]*\n).*?(# \/settings\n)/s
if (!BETWEEN_COMMENTS.test(yaml)) throw new Error('docker-compose.yml: the comments around the settings are gone')
writeFileSync(
  compose,
  yaml.replace(BETWEEN_COMMENTS, (_, start, end) => `${start}${composeSettings(KNOWN)}${end}`),
)
