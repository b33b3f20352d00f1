/** The kinds of handover that `LULL_HANDOVER` can name; the first one is the default. */
import { bullmqKind } from './bullmq-kind.js'
import { httpKind } from './http-kind.js'
import type { HandoverKind } from './kind.js'

export const HANDOVERS: readonly [HandoverKind, ...HandoverKind[]] = [bullmqKind, httpKind]
