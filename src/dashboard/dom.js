/** Elements, made without HTML in strings: what people wrote is only ever text. */

const SVG = 'http://www.w3.org/2000/svg'

/** @param props attributes; `on…` are listeners, `class` and `text` what they say */
export const el = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children)

export const svg = (tag, props = {}, ...children) => fill(document.createElementNS(SVG, tag), props, children)

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue
    if (name === 'text') element.textContent = value
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat().filter(child => child !== undefined))
  return element
}

/** Sets a text only where it is another: an unchanged one is not announced again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}
