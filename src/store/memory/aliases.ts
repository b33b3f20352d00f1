/** What is known of people's ids: `lua/learn.lua`, `resolve.lua`, `same-person.lua`, `forget-aliases.lua`. */
import { ALIAS_TTL_MS } from '../alias-ttl.js'
import type { AliasNews, Learnt } from '../store.js'
import { Subscribers } from './structures.js'

const MOST_ALIASES = 16
/** Ids that are remembered; the oldest are dropped. */
const MOST_IDS = 100_000
const MOST_HOPS = 4

const isHidden = (id: string) => id.endsWith('@lid') || id.endsWith('@bsuid')

interface Alias {
  /** By provider. */
  canonical: Map<string, string>
  expiresAtMs: number
}

export class Aliases {
  readonly news = new Subscribers<AliasNews>()
  private readonly aliases = new Map<string, Alias>()
  private readonly others = new Map<string, Set<string>>()

  learn(provider: string, ids: string[], now: number): Learnt {
    const roots = ids.map(id => this.resolve(provider, id, now))
    const canonical = this.canonicalOf(ids, roots)
    const moved = this.movedTo(canonical, provider, ids, roots, now)
    this.makeRoom(canonical, moved.size)
    for (const id of moved) this.point(provider, id, canonical, now)
    for (const id of ids) if (id !== canonical) this.keep(id, now)
    if (moved.size > 0) this.news.publish({ provider, conversationId: canonical, aliases: [...moved] })
    const others = new Set([...ids, ...moved])
    others.delete(canonical)
    return { conversationId: canonical, others: [...others] }
  }

  resolve(provider: string, id: string, now: number): string {
    let canonical = id
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      const next = this.alias(canonical, now)?.canonical.get(provider)
      if (next === undefined) break
      this.keep(canonical, now)
      canonical = next
    }
    return canonical
  }

  samePerson(id: string, now: number): string[] {
    const canonical = [...(this.alias(id, now)?.canonical.values() ?? [])].sort()
    const ids = [...new Set([...canonical, id])]
    return [...new Set([...ids, ...ids.flatMap(each => [...(this.others.get(each) ?? [])])])]
  }

  forget(ids: string[]): void {
    for (const id of ids) {
      this.aliases.delete(id)
      this.others.delete(id)
    }
    this.news.publish({ aliases: ids })
  }

  private canonicalOf(ids: string[], roots: string[]): string {
    return (
      roots.find((_, i) => !isHidden(ids[i] ?? '')) ??
      roots.find(root => !isHidden(root)) ??
      roots.find(root => this.others.get(root)?.size) ??
      roots[0] ??
      ''
    )
  }

  /** The ids that point elsewhere, or nowhere. */
  private movedTo(canonical: string, provider: string, ids: string[], roots: string[], now: number): Set<string> {
    const moved = new Set<string>()
    for (const [i, root] of roots.entries()) {
      if (root === canonical) continue
      moved.add(ids[i] ?? '')
      if (!isHidden(root) && !ids.includes(root)) continue
      moved.add(root)
      for (const member of this.others.get(root) ?? [])
        if (this.alias(member, now)?.canonical.get(provider) === root) moved.add(member)
    }
    moved.delete(canonical)
    return moved
  }

  private makeRoom(canonical: string, added: number): void {
    const others = this.others.get(canonical)
    if (added === 0 || !others) return
    for (const id of others) {
      if (others.size + added <= MOST_ALIASES) return
      others.delete(id)
      this.aliases.delete(id)
    }
  }

  private point(provider: string, id: string, canonical: string, now: number): void {
    const alias = this.alias(id, now) ?? { canonical: new Map<string, string>(), expiresAtMs: 0 }
    const before = alias.canonical.get(provider)
    if (before !== undefined) this.leave(before, id)
    alias.canonical.set(provider, canonical)
    this.aliases.set(id, alias)
    this.keep(id, now)
    this.others.set(canonical, (this.others.get(canonical) ?? new Set()).add(id))
    for (const [oldest] of this.aliases) {
      if (this.aliases.size <= MOST_IDS) break
      this.drop(oldest)
    }
  }

  private alias(id: string, now: number): Alias | undefined {
    const alias = this.aliases.get(id)
    if (alias && alias.expiresAtMs <= now) this.drop(id)
    return this.aliases.get(id)
  }

  /** The last used is the last in the map. */
  private keep(id: string, now: number): void {
    const alias = this.aliases.get(id)
    if (!alias) return
    this.aliases.delete(id)
    this.aliases.set(id, { ...alias, expiresAtMs: now + ALIAS_TTL_MS })
  }

  private drop(id: string): void {
    for (const canonical of this.aliases.get(id)?.canonical.values() ?? []) this.leave(canonical, id)
    this.aliases.delete(id)
  }

  private leave(canonical: string, id: string): void {
    const others = this.others.get(canonical)
    others?.delete(id)
    if (others?.size === 0) this.others.delete(canonical)
  }
}
