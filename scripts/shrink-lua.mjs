// Makes what Redis gets of the text of a Lua script that people read. Redis compiles a script once, but each call runs all of
// it: it creates every function anew, and for each local outside a function that the function uses it searches a list. So
// constants become literals, what a script includes and does not use is left out, and the two locals that every function uses
// are not in that list. Comments and indentation are half of the text, which each process parses and Redis keeps.

/**
 * @param {string} text of a script that follows the habits of those in src/store/redis/lua: what belongs to a statement is
 * indented more than the statement, by two spaces in a function, no string spans lines, and a name in capitals has one value
 */
export function shrinkLua(text) {
  return inMain(withoutUnused(withLiterals(withoutComments(text)))).replaceAll(/^\s+/gm, '')
}

function withoutComments(text) {
  return text.replaceAll(/^\s*--\[\[.*?--\]\]\n/gms, '').replaceAll(/^\s*(?:--.*)?\n/gm, '')
}

/** Strings, comments, dots, fields with what is in front of them, names, numbers, and any other character. */
const TOKEN = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|--[^\n]*|\.{2,3}|[.:]\s*\w+|[A-Za-z_]\w*|\d[\w.]*|\S/g
const CONSTANTS = /^\s*local ([A-Z][A-Z_, ]*) =\s+((?:'(?:[^'\\\n]|\\.)*'|\d+|, )+)\n/gm
/** What a statement declares, sets or names a field with. */
const SET = /\b(?:local|for)\s+(?!function\b)([\w, ]+)|\bfunction\b[^(\n]*\(([^)\n]*)\)|\b(\w+)\s*=(?!=)/g

/** With the literal of each constant in its place. */
function withLiterals(text) {
  const constants = new Map()
  const rest = text.replaceAll(CONSTANTS, (declaration, list, literals) => {
    const names = list.split(', ')
    const values = literals.match(TOKEN).filter(token => token !== ',')
    if (names.length !== values.length) return declaration
    for (const [i, name] of names.entries()) {
      if ((constants.get(name) ?? values[i]) !== values[i]) throw new Error(`${name} is a constant: it has one value`)
      constants.set(name, values[i])
    }
    return ''
  })
  for (const [, ...lists] of rest.matchAll(SET)) {
    for (const name of lists.join(',').match(/\w+/g) ?? []) {
      if (constants.has(name)) throw new Error(`${name} is a constant: nothing else may have its name, or set it`)
    }
  }
  return rest.replaceAll(TOKEN, token => constants.get(token) ?? token)
}

/** Between two statements of a script, or of a function whose indentation is taken away. */
const BETWEEN = /\n(?!\s|end\b|else|until\b|[)}])/
const DECLARES = /^local (?:function (\w+)|([\w, ]+))/
const FUNCTION = /^(local function .*\n)((?: {2}.*\n)+)(end)$/

/** Without the locals and functions that nothing uses. A local whose value comes from a call is kept: the call may do something. */
function withoutUnused(text) {
  const used = new Set()
  const kept = []
  for (const statement of text.trimEnd().split(BETWEEN).reverse()) {
    const [, name, names = name] = DECLARES.exec(statement) ?? []
    const isFunction = name !== undefined
    const isPure = isFunction || (names !== undefined && !statement.includes('('))
    if (
      isPure &&
      !names
        .trim()
        .split(', ')
        .some(each => used.has(each))
    )
      continue
    const shrunk = statement.replace(FUNCTION, (_, begin, body, end) => {
      return `${begin}${withoutUnused(body.replaceAll(/^ {2}/gm, ''))}\n${end}`
    })
    for (const [token] of shrunk.matchAll(TOKEN)) used.add(token)
    kept.unshift(shrunk)
  }
  return kept.join('\n')
}

const USED_EVERYWHERE = /^((?:#!.*\n)?(?:local (?:P|call) = .*\n)+)([\s\S]*)$/

/**
 * With all but the prefix and `redis.call` in a function: to the functions in it, these are locals of an enclosing function,
 * which Lua copies without a search. They come first, so it would search longest for them.
 */
function inMain(text) {
  return text.replace(USED_EVERYWHERE, (_, first, rest) => `${first}local function main()\n${rest}\nend\nreturn main()`)
}
