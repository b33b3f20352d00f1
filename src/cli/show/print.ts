/** The one way from a command to standard output and standard error: see escape.ts. */
import { written } from './escape.js'
import { hasColours } from './paint.js'

/** Writes text with its line breaks; `print` adds the last one. */
export const printText = (text: string, stream: NodeJS.WriteStream = process.stdout): void =>
  void stream.write(written(text, hasColours(stream)))

export const print = (lines: string, stream?: NodeJS.WriteStream): void => printText(`${lines}\n`, stream)
