/** A client's own value in an error message: quoted, and cut so that the message stays one line. */
const LONGEST_SHOWN = 100

export const shown = (value: string, longest = LONGEST_SHOWN): string => JSON.stringify(value.slice(0, longest))
