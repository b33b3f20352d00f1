// Writes what the documentation says of the settings, from their declarations: docs/settings.md, and the table of providers
// in docs/webhooks.md. `npm run docs` runs it; a unit test fails while one of them is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KNOWN } from '../src/config/known.ts'
import { providerTable, settingsReference } from '../src/config/reference.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const BETWEEN_MARKERS = /(<!-- providers: [^>]*-->\n).*?(<!-- \/providers -->)/s

writeFileSync(`${docs}settings.md`, settingsReference(KNOWN))

const webhooks = readFileSync(`${docs}webhooks.md`, 'utf8')
if (!BETWEEN_MARKERS.test(webhooks)) throw new Error('docs/webhooks.md: the markers of the table of providers are gone')
writeFileSync(
  `${docs}webhooks.md`,
  webhooks.replace(BETWEEN_MARKERS, (_, start, end) => `${start}\n${providerTable(KNOWN)}\n${end}`),
)
