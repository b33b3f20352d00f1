// As if the optional packages were not installed: `node --import=…/without-optional.mjs`.
import { register } from 'node:module'

const hooks = `export function resolve(name, context, next) {
  if (/^(twilio|@bull-board|typescript)(\\/|$)/.test(name))
    throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
  return next(name, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
