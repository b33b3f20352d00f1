/** Colours, only on a terminal that has them. Node's own test of the terminal respects NO_COLOR. */
import { styleText } from 'node:util'

type Colour = Extract<Parameters<typeof styleText>[0], string>

export type Paint = (colour: Colour, text: string) => string

export const plain: Paint = (_colour, text) => text

const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false })

export const hasColours = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && stream.hasColors?.() === true

/** @param stream where the text will be written */
export const paintFor = (stream: NodeJS.WriteStream): Paint => (hasColours(stream) ? coloured : plain)
