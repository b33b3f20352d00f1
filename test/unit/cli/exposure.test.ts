import { expect } from 'chai'
import { checkExposure } from '../../../src/cli/roles/exposure.js'
import { type Environment, readConfig } from '../../../src/config.js'

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
