#!/usr/bin/env node
/**
 * What npm links as `lull`, and what PM2 runs. A file of its own, which does nothing else: under PM2 a module cannot tell
 * that it is what was asked for, as PM2 imports it from a program of its own, and `process.argv[1]` names that.
 */
import { main } from './cli.js'

await main(process.argv.slice(2))
