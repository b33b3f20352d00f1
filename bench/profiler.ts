/**
 * Has programs write a profile of themselves, and reads it when they have ended. It looks at a program so many times a
 * second, however little there is to do, so at 500 messages a second it takes as much CPU as they do. Take the shares
 * from it, and the CPU from another run.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Share, type Span, sharesOf } from './profiles.js'

const SAMPLE_EVERY_US = 200

export class Profiler {
  private constructor(private readonly folder: string) {}

  static async start(): Promise<Profiler> {
    return new Profiler(await mkdtemp(join(tmpdir(), 'lull-profiles-')))
  }

  /** Arguments for Node. @param name of the program */
  argumentsFor(name: string): string[] {
    return ['--cpu-prof', `--cpu-prof-interval=${SAMPLE_EVERY_US}`, `--cpu-prof-dir=${this.folderOf(name)}`]
  }

  /** Of the main thread of a program that has ended. @param spans other times are left out */
  async sharesOf(name: string, spans: Span[]): Promise<Share[]> {
    const files = await readdir(this.folderOf(name))
    const file = files.find(file => MAIN_THREAD.test(file))
    if (file === undefined) throw new Error(`${name} wrote no profile: ${files.join(', ')}`)
    return sharesOf(join(this.folderOf(name), file), spans)
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  private folderOf(name: string): string {
    return join(this.folder, name.replaceAll('/', '_'))
  }
}

/** `CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile` */
const MAIN_THREAD = /^CPU\.\d+\.\d+\.\d+\.0\.\d+\.cpuprofile$/
