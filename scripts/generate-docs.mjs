// Writes what is derived from the declarations of the settings: docs/settings.md, the table of providers in
// docs/webhooks.md, and the variables in docker-compose.yml. `npm run docs` runs it; a unit test fails while one of them is
// out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KNOWN } from '../src/config/known.ts'
import { composeSettings, providerTable, settingsReference } from '../src/config/reference.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const BETWEEN_MARKERS = /(<!-- providers: [^>]*-->\n).*?(<!-- \/providers -->)/s

writeFileSync(`${docs}settings.md`, settingsReference(KNOWN))

const webhooks = readFileSync(`${docs}webhooks.md`, 'utf8')
if (!BETWEEN_MARKERS.test(webhooks)) throw new Error('docs/webhooks.md: the markers of the table of providers are gone')
writeFileSync(
  `${docs}webhooks.md`,
  webhooks.replace(BETWEEN_MARKERS, (_, start, end) => `${start}\n${providerTable(KNOWN)}\n${end}`),
)

const compose = fileURLToPath(new URL('../docker-compose.yml', import.meta.url))
const yaml = readFileSync(compose, 'utf8')
const BETWEEN_COMMENTS = /(# settings: [^\n]*\n).*?(# \/settings\n)/s
if (!BETWEEN_COMMENTS.test(yaml)) throw new Error('docker-compose.yml: the comments around the settings are gone')
writeFileSync(
  compose,
  yaml.replace(BETWEEN_COMMENTS, (_, start, end) => `${start}${composeSettings(KNOWN)}${end}`),
)
