// For openapi-typescript (`node --import`): it makes its output with TypeScript's JavaScript API, which TypeScript 7 does
// not have. It gets that of TypeScript 6, which @ts-morph/common contains.
import { register } from 'node:module'

const typescript6 = new URL('./typescript-6.mjs', import.meta.url).href
const hook = `export const resolve = (specifier, context, next) =>
  next(specifier === 'typescript' ? ${JSON.stringify(typescript6)} : specifier, context)`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
