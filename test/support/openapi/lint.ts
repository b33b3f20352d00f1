/** The recommended rules of Redocly's linter for OpenAPI. */
import { createConfig, lintFromString } from '@redocly/openapi-core'

/** One line for each problem. */
export async function lintOpenApi(source: string): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      // Health and this description refuse nobody.
      'operation-4xx-response': 'off',
      // `/conversations/messages/{messageId}` and `/conversations/{id}/hold`: no method is at both.
      'no-ambiguous-paths': 'off',
    },
  })
  const problems = await lintFromString({ source, config })
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`)
}
