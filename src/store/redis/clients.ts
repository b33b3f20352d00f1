/** The clients that are connected to a Redis: `CLIENT LIST`. */
import type { Redis } from 'ioredis'

export interface ConnectedClient {
  id: string
  addr: string
  /** From `CLIENT SETNAME`; empty without one. */
  name: string
  db: number
  /** Its last command. */
  command: string
  user: string
}

/** @throws if this user or this service does not allow it */
export async function clientsOf(client: Redis): Promise<ConnectedClient[]> {
  const reply: unknown = await client.client('LIST')
  const lines = typeof reply === 'string' ? reply.split('\n') : []
  return lines.filter(line => line.trim() !== '').map(clientFrom)
}

function clientFrom(line: string): ConnectedClient {
  const fields = new Map(
    line.split(' ').map(field => {
      const equals = field.indexOf('=')
      return [field.slice(0, equals), field.slice(equals + 1)]
    }),
  )
  const field = (name: string) => fields.get(name) ?? ''
  return {
    id: field('id'),
    addr: field('addr'),
    name: field('name'),
    db: Number(field('db')),
    command: field('cmd'),
    user: field('user'),
  }
}
