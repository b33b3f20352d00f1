/** `undefined` if the text is not JSON: any client may publish to a channel. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
