/** Rules that are stored by scope. */
import { z } from 'zod'
import { scopeShape } from '../../../settings/scope.js'
import { body, type Operation, reply } from '../operation.js'
import { edited, newRules, scopes, scopeView } from '../shapes/settings.js'

const tag = 'Settings'
const VIEW: z.output<typeof scopeView> = {
  scope: 'shop/79990000012@c.us',
  rules: {},
  holds: [
    { name: 'quietGapMs', value: 6000, scope: 'shop' },
    { name: 'maxWaitMs', value: 60_000 },
  ],
}

export const settingsOperations: Operation[] = [
  {
    id: 'listSettings',
    tag,
    method: 'get',
    path: '/settings',
    summary: 'List the rules that are stored, by scope; or read those of one by `?scope=`',
    query: { scope: scopeShape.optional().describe('Read this scope instead') },
    replies: {
      200: reply(
        'All scopes; with `scope` that one',
        z.union([scopes, scopeView]),
        { settings: [{ scope: 'shop', rules: { quietGapMs: 6000 } }] },
        VIEW,
      ),
    },
  },
  {
    id: 'readSettings',
    tag,
    method: 'get',
    path: '/settings/{scope}',
    summary: 'Read the rules of a scope, and what holds for it in the end',
    replies: { 200: reply('The rules', scopeView, VIEW) },
  },
  {
    id: 'replaceSettings',
    tag,
    method: 'put',
    path: '/settings/{scope}',
    inQuery: { ByQuery: '/settings' },
    summary: 'Store these rules instead of those that the scope has',
    description: 'An empty object removes them. The last write wins. Every process goes by them within a second.',
    body: body(newRules, { rules: { quietGapMs: 6000 } }),
    replies: {
      200: reply('They are stored', edited, { scope: 'shop', rules: { quietGapMs: 6000 }, warnings: [] }),
    },
  },
  {
    id: 'removeSettings',
    tag,
    method: 'delete',
    path: '/settings/{scope}',
    inQuery: { ByQuery: '/settings' },
    summary: 'Remove the rules of a scope',
    replies: { 200: reply('They are removed', edited, { scope: 'shop', rules: {}, warnings: [] }) },
  },
]
