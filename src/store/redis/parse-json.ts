/** `undefined` if the text is no JSON: anybody may publish to a channel. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
