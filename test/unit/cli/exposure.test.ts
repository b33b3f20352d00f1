import { expect } from 'chai'
import { checkExposure, logExposure, webhookTrust } from '../../../src/cli/roles/exposure.js'
import { type Environment, readConfig } from '../../../src/config.js'
import { providers } from '../../../src/providers/registry.js'

const check = (env: Environment) => () => checkExposure(readConfig(env))

describe('exposure', () => {
  for (const HOST of ['127.0.0.1', '127.8.8.8', 'localhost', '::1'])
    it(`HOST=${HOST} starts without a secret`, () => {
      expect(check({ HOST })).not.to.throw()
    })

  for (const HOST of ['0.0.0.0', '::', '192.168.0.5', 'example.org', '127.example.org'])
    it(`HOST=${HOST} starts only with a secret or LULL_ALLOW_UNSIGNED`, () => {
      expect(check({ HOST })).to.throw(/^HOST=.* LULL_ALLOW_UNSIGNED/)
      expect(check({ HOST, LULL_ALLOW_UNSIGNED: 'generic' })).not.to.throw()
      expect(check({ HOST, WHATSAPP_APP_SECRET: 'secret' })).not.to.throw()
      expect(check({ HOST, WHATSAPP_VERIFY_TOKEN: 'token' })).to.throw(/^HOST=/)
    })

  for (const HOST of ['127.0.0.1', '0.0.0.0'])
    it(`LULL_PUBLIC_URL with HOST=${HOST} starts only with a secret or LULL_ALLOW_UNSIGNED`, () => {
      const env = { HOST, LULL_PUBLIC_URL: 'https://bot.example' }
      expect(check(env)).to.throw(/^(HOST|LULL_PUBLIC_URL)=.* LULL_ALLOW_UNSIGNED/)
      expect(check({ ...env, LULL_ALLOW_UNSIGNED: 'none' })).not.to.throw()
      expect(check({ ...env, WHATSAPP_APP_SECRET: 'secret' })).not.to.throw()
    })

  it('the providers that may come unsigned are those that LULL_ALLOW_UNSIGNED names, and no others', () => {
    const open = (env: Environment) => webhookTrust(readConfig(env)).unsigned
    const all = providers.names
    expect(open({})).to.deep.equal(all)
    expect(open({ LULL_ALLOW_UNSIGNED: 'wppconnect' })).to.deep.equal(['wppconnect'])
    expect(open({ LULL_ALLOW_UNSIGNED: 'none' })).to.deep.equal([])
    expect(open({ WHATSAPP_APP_SECRET: 'secret' })).to.deep.equal([])
    expect(open({ WHATSAPP_APP_SECRET: 'secret', LULL_ALLOW_UNSIGNED: 'meta,waha' })).to.deep.equal(['waha'])
    expect(open({ LULL_PUBLIC_URL: 'https://bot.example' })).to.deep.equal([])
    expect(open({ HOST: '0.0.0.0', LULL_ALLOW_UNSIGNED: 'all' })).to.deep.equal(all)
  })

  it('one line at the start says whose webhooks need no proof, and none is logged if all need it', () => {
    const said = (env: Environment) => {
      const lines: string[] = []
      const note = (_: object, line: string) => void lines.push(line)
      logExposure(readConfig(env), { debug: note, info: note, warn: note, error: note })
      return lines
    }
    expect(said({})).to.have.length(1)
    expect(said({})[0]).to.match(/no provider has a secret: .*on this machine, and refused if a proxy/)
    const named = said({ HOST: '0.0.0.0', WHATSAPP_APP_SECRET: 'hush', LULL_ALLOW_UNSIGNED: 'wppconnect' })
    expect(named).to.have.length(1)
    expect(named[0]).to.match(/^webhooks of wppconnect are accepted without proof/)
    expect(said({ LULL_ALLOW_UNSIGNED: 'none' })).to.deep.equal(['no webhook is accepted: no provider has a secret'])
    expect(said({ WHATSAPP_APP_SECRET: 'hush' })).to.deep.equal([])
  })

  it('the secret of any provider is enough', () => {
    for (const name of [
      'GREEN_API_WEBHOOK_TOKEN',
      'WAHA_HMAC_KEY',
      'EVOLUTION_API_KEY',
      'WAZZUP_CRM_KEY',
      'WWEBJS_API_KEY',
    ])
      expect(check({ HOST: '0.0.0.0', [name]: 'hush' }), name).not.to.throw()
    expect(check({ HOST: '0.0.0.0', TWILIO_AUTH_TOKEN: 'hush', LULL_PUBLIC_URL: 'https://x.example' })).not.to.throw()
  })
})
