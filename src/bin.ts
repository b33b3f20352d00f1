#!/usr/bin/env node
/**
 * The program that npm links as `lull`, and that PM2 runs. It is a file of its own because a module cannot detect that
 * PM2 runs it: PM2 imports it from its own program, which `process.argv[1]` then names.
 */
import { main } from './cli.js'

await main(process.argv.slice(2))
