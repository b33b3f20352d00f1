// Makes what Redis gets of the text of a Lua script that people read. Redis compiles a script once, but each call runs all of
// it: it creates every function anew, and for each local outside a function that the function uses it searches a list. So
// constants become literals, and what a script includes and does not use is left out. Comments and indentation are half of
// the text, which each process parses and Redis keeps.

/** Strings, comments, dots, fields with what is in front of them, names, numbers, and any other character. */
const TOKEN = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|--[^\n]*|\.{2,3}|[.:]\s*\w+|[A-Za-z_]\w*|\d[\w.]*|\S/g

/**
 * @param {string} text of a script that follows the habits of those in src/store/redis/lua: only statements of the script
 * itself begin at the start of a line, no string spans lines, and a name in capitals is declared once
 */
export function shrinkLua(text) {
  const [constants, statements] = takeConstants(statementsOf(withoutComments(text)))
  for (const statement of statements) statement.text = withLiterals(statement.text, constants)
  return withoutUnused(statements)
    .map(({ text }) => text.replaceAll(/^\s+/gm, ''))
    .join('\n')
}

function withoutComments(text) {
  return text.replaceAll(/^\s*--\[\[.*?--\]\]\n/gms, '').replaceAll(/^\s*(?:--.*)?\n/gm, '')
}

/** The statements of the script itself, with the names of the locals that each of them declares. */
function statementsOf(text) {
  const texts = text.trimEnd().split(/\n(?!\s|end\b|else|until\b|[)}])/)
  return texts.map(text => {
    const [, name, names = name] = /^local (?:function (\w+)|([\w, ]+))/.exec(text) ?? []
    return { text, declares: names?.trim().split(', ') ?? [] }
  })
}

const CONSTANTS = /^local ([A-Z][A-Z_, ]*) =\s+((?:'(?:[^'\\]|\\.)*'|\d+|, )+)$/

/** The literal of each constant by its name, and the other statements. */
function takeConstants(statements) {
  const constants = new Map()
  const others = statements.filter(({ text, declares }) => {
    const values = CONSTANTS.exec(text)?.[2]
      .match(TOKEN)
      .filter(token => token !== ',')
    if (values?.length !== declares.length) return true
    for (const [i, name] of declares.entries()) {
      if (constants.has(name)) throw new Error(`${name} is declared twice: a constant has one value`)
      constants.set(name, values[i])
    }
    return false
  })
  return [constants, others]
}

/** What a statement declares, sets or names a field with. */
const SET = /\b(?:local|for)\s+(?!function\b)([\w, ]+)|\bfunction\b[^(\n]*\(([^)\n]*)\)|\b(\w+)\s*=(?!=)/g

function withLiterals(text, constants) {
  for (const [, ...lists] of text.matchAll(SET)) {
    for (const name of lists.join(',').match(/\w+/g) ?? []) {
      if (constants.has(name)) throw new Error(`${name} is a constant: nothing else may have its name, or set it`)
    }
  }
  return text.replaceAll(TOKEN, token => constants.get(token) ?? token)
}

/** Without the locals and functions that nothing uses. What calls a function when the script begins is kept. */
function withoutUnused(statements) {
  const used = new Set()
  return statements
    .toReversed()
    .filter(({ text, declares }) => {
      const isPure = text.startsWith('local function ') || (text.startsWith('local ') && !text.includes('('))
      if (isPure && !declares.some(name => used.has(name))) return false
      for (const [name] of text.matchAll(TOKEN)) used.add(name)
      return true
    })
    .reverse()
}
