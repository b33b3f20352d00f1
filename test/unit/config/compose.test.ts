/** docker-compose.yml, and what else is deployed: every setting arrives, and nothing is open by default. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { checkExposure, webhookTrust } from '../../../src/cli/roles/exposure.js'
import { groupsOf, KNOWN } from '../../../src/config/known.js'
import { composeSettings } from '../../../src/config/reference.js'
import { declaredIn } from '../../../src/config/setting.js'
import { readConfig } from '../../../src/config.js'

const compose = readFileSync('docker-compose.yml', 'utf8')
const declared = groupsOf(KNOWN).flatMap(({ settings }) => declaredIn(settings).map(([, each]) => each))

/** The lines of a part of the file: of `x-settings: …` or `  api:`, up to the next one that is not further in. */
function partOf(heading: string): string {
  const lines = compose.split('\n')
  const start = lines.findIndex(line => line.startsWith(heading))
  const indent = heading.search(/\S/)
  const end = lines.findIndex((line, i) => i > start && line.trim() !== '' && line.search(/\S/) <= indent)
  return lines.slice(start, end < 0 ? undefined : end).join('\n')
}

describe('deployment files', () => {
  it('docker-compose.yml passes on the settings that are declared (npm run docs)', () => {
    expect(compose).to.include(composeSettings(KNOWN))
  })

  it('every setting of the program reaches the API’s container', () => {
    expect(partOf('x-environment:')).to.include('<<: *settings')
    expect(partOf('  api:')).to.include('<<: [*environment, *api-settings]')
    const passed = partOf('x-settings:') + partOf('x-api-settings:')
    for (const { variable } of declared) expect(passed).to.match(new RegExp(`^  ${variable}:$`, 'm'))
  })

  it('secrets of webhooks reach no container but the API’s', () => {
    for (const role of ['processor', 'worker']) expect(partOf(`  ${role}:`)).not.to.include('api-settings')
    expect(partOf('x-settings:')).not.to.match(/WHATSAPP|TWILIO|LULL_API_TOKEN/)
  })

  it('no secret is passed on as an empty text if it is not set', () => {
    for (const { variable, isSecret } of declared)
      if (isSecret) expect(compose).not.to.match(new RegExp(`${variable}:.*:-\\}`))
  })

  it('the containers accept no unsigned webhook by default, and the API starts', () => {
    const [, preset = ''] = /LULL_ALLOW_UNSIGNED: \$\{LULL_ALLOW_UNSIGNED:-(\w*)\}/.exec(compose) ?? []
    const config = readConfig({ HOST: '0.0.0.0', LULL_API_TOKEN: 'token', LULL_ALLOW_UNSIGNED: preset })
    expect(() => checkExposure(config)).not.to.throw()
    expect(webhookTrust(config).unsigned).to.deep.equal([])
  })

  it('no file of the repository opens all providers', () => {
    const files = execFileSync('git', [
      'ls-files',
      '*.yml',
      '*.cjs',
      '*.mjs',
      '*.md',
      '*.service',
      '*.env*',
      'Dockerfile',
    ])
    for (const file of files.toString().trim().split('\n'))
      expect(readFileSync(file, 'utf8'), file).not.to.match(
        /LULL_ALLOW_UNSIGNED\W{1,4}(\$\{\w+:-)?all\b|allowUnsigned: 'all'/,
      )
  })
})
