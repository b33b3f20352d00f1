/** The page's languages: each is one file in languages/, with the same words, and no other file lists it. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { readPage } from '../../../src/api/page-files.js'
import { pageModule } from './page-module.js'

const PAGE = new URL('../../../src/dashboard/', import.meta.url)
const codes = (await readdir(new URL('languages/', PAGE))).map(name => name.replace('.js', ''))
const { speak, t, counted, reason } = await pageModule('words')
const { default: en } = await pageModule('languages/en')
const { endonym, pick } = await pageModule('languages')

/**
 * What must be the same in every language: keys, placeholders, lengths of lists. Plural forms are each language's own.
 */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return [...new Set(value.match(/\{\d\}/g))].sort().join('')
  if (Array.isArray(value)) return value.length
  if (typeof value !== 'object' || value === null) throw new Error(`words=${value}: not words`)
  if ('other' in value) return 'plural forms'
  const shapes = Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)] as const)
  return Object.fromEntries(shapes.sort(([a], [b]) => (a < b ? -1 : 1)))
}

describe('page: languages', () => {
  for (const code of codes)
    describe(code, () => {
      it('has the keys and placeholders of all languages', async () => {
        const { default: words } = await pageModule(`languages/${code}`)
        expect(shapeOf(words)).to.deep.equal(shapeOf(en))
      })

      it('has the plural forms that the language needs', async () => {
        const { default: words } = await pageModule(`languages/${code}`)
        const needed = new Intl.PluralRules(code).resolvedOptions().pluralCategories.toSorted()
        for (const [key, value] of Object.entries<object>(words))
          if (typeof value === 'object' && 'other' in value)
            expect(Object.keys(value).sort(), key).to.deep.equal(needed)
      })
    })

  it('have only words that the page uses, and all that it uses', async () => {
    const files = (await readdir(PAGE, { recursive: true })).filter(name =>
      /^(?!languages\/|vendor\/).*\.(js|html)$/.test(name),
    )
    const source = (await Promise.all(files.map(name => readFile(new URL(name, PAGE), 'utf8')))).join('\n')
    const unused = Object.keys(en).filter(key => !new RegExp(`['".]${key}\\b`).test(source))
    expect(unused).to.deep.equal([])
    const used = [...source.matchAll(/\bt\('(\w+)'|counted\('(\w+)'|list\('(\w+)'|data-t="(\w+)"/g)]
    expect(used.flatMap(([, ...keys]) => keys.filter(key => key && !Object.hasOwn(en, key)))).to.deep.equal([])
  })

  it('grow by one when one file is added', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lull-page-'))
    try {
      await cp(fileURLToPath(PAGE), folder, { recursive: true })
      const toy = { ...en, liveTitle: 'Nun', reasons: { ...en.reasons, gap: 'silento' } }
      await writeFile(join(folder, 'languages/eo.js'), `export default ${JSON.stringify(toy)}`)
      const files = readPage(pathToFileURL(`${folder}/`))
      const languages: string[] = JSON.parse(files.get('languages.json')?.body.toString() ?? '')
      expect(languages).to.deep.equal([...codes, 'eo'].sort())
      expect(pick(languages, null, ['eo-001', 'en'])).to.equal('eo')
      expect(files.get('languages/eo.js')?.type).to.include('javascript')
      const { default: words } = await import(pathToFileURL(join(folder, 'languages/eo.js')).href)
      speak('eo', words)
      expect([t('liveTitle'), reason('gap'), counted('message', 2)]).to.deep.equal(['Nun', 'silento', '2 messages'])
    } finally {
      speak('en', en)
      await rm(folder, { recursive: true })
    }
  })

  it('are chosen by what was chosen before, then by the browser, then English', () => {
    expect(pick(['en', 'ru'], 'ru', ['en'])).to.equal('ru')
    expect(pick(['en', 'ru'], 'xx', ['de-DE', 'ru-RU', 'en'])).to.equal('ru')
    expect(pick(['en', 'ru'], null, ['de-DE'])).to.equal('en')
  })

  it('are named as their speakers name them', () => {
    expect(['en', 'ru'].map(endonym)).to.deep.equal(['English', 'Русский'])
  })
})
