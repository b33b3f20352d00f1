// Writes what is derived from other files: from the declarations of the settings docs/settings.md, the table of providers in
// docs/webhooks.md, and the variables in docker-compose.yml; from the tests' cases the tables of kinds and of reasons in
// docs/webhooks.md. `npm run docs` runs it; a unit test fails while one of them is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KNOWN } from '../src/config/known.ts'
import { composeSettings, providerTable, settingsReference } from '../src/config/reference.ts'
import { kindsTable, reasonsList } from '../test/support/kinds/kinds-table.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const betweenMarkers = name => new RegExp(`(<!-- ${name}: [^>]*-->\n).*?(<!-- /${name} -->)`, 's')

writeFileSync(`${docs}settings.md`, settingsReference(KNOWN))

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
