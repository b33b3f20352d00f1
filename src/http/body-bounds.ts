/**
 * How many bytes of bodies this process holds: of one body, and of all that are being read or handled. A body's bytes
 * are counted as they come, not as they are announced: a sender that announces much and sends nothing takes nothing.
 */
import { z } from 'zod'
import { setting, whole } from '../config/setting.js'
import { RETRY_AFTER_S, Refusal } from './refusal.js'

const MIB = 1024 * 1024

/** Providers send files as base64 in the body: a video of 12 MiB is the largest that was reported. */
export const DEFAULT_MAX_BODY_BYTES = 16 * MIB
const DEFAULT_MAX_IN_FLIGHT = 64 * MIB

export const bodySettings = z.object({
  maxBodyBytes: setting(
    'LULL_MAX_BODY_BYTES',
    'The largest body of a request; a larger one is answered 413. Files in a webhook (base64) are not kept, but count.',
    whole(64 * 1024, 256 * MIB, DEFAULT_MAX_BODY_BYTES),
  ),
  maxBodyBytesInFlight: setting(
    'LULL_MAX_BODY_BYTES_IN_FLIGHT',
    'The most bytes of all bodies that are being read or handled at one time. What comes beyond that is answered 503 with `Retry-After`. At least `LULL_MAX_BODY_BYTES`.',
    whole(64 * 1024, 4096 * MIB, DEFAULT_MAX_IN_FLIGHT),
  ),
})

/** How large bodies may be, in bytes. */
export interface BodyBoundsOptions {
  /**
   * The largest body of a request; a larger one is answered 413. Files in a webhook (base64) are not kept, but count.
   * @defaultValue 16777216 (16 MiB)
   */
  maxBodyBytes?: number | undefined
  /**
   * The most bytes of all bodies that are being read or handled at one time; what comes beyond that is answered 503 with
   * `Retry-After`. Less than `maxBodyBytes` throws a `RangeError`.
   * @defaultValue 67108864 (64 MiB), or `maxBodyBytes` if that is more
   */
  maxBodyBytesInFlight?: number | undefined
}

export class BodyBounds {
  readonly maxBytes: number
  private readonly maxInFlight: number
  private held = 0

  /** @throws {RangeError} if the bounds contradict each other: no body of the allowed size could ever be read */
  constructor({ maxBodyBytes = DEFAULT_MAX_BODY_BYTES, maxBodyBytesInFlight }: BodyBoundsOptions = {}) {
    this.maxBytes = maxBodyBytes
    this.maxInFlight = maxBodyBytesInFlight ?? Math.max(DEFAULT_MAX_IN_FLIGHT, maxBodyBytes)
    if (this.maxInFlight < maxBodyBytes)
      throw new RangeError(
        `maxBodyBytesInFlight=${this.maxInFlight} is less than maxBodyBytes=${maxBodyBytes}: make it at least that`,
      )
  }

  /** Bytes that are held now. */
  get inFlight(): number {
    return this.held
  }

  /** For one request. Release it when the request has ended, however it ended. */
  lease(): BodyLease {
    let length = 0
    let isReleased = false
    return {
      maxBytes: this.maxBytes,
      take: bytes => {
        if (isReleased) return
        length += bytes
        this.held += bytes
        if (length > this.maxBytes) throw tooLarge(this.maxBytes)
        if (this.held > this.maxInFlight) throw busy()
      },
      release: () => {
        if (!isReleased) this.held -= length
        isReleased = true
      },
    }
  }
}

export interface BodyLease {
  readonly maxBytes: number
  /** Counts bytes that have come. @throws {Refusal} 413 if the body is too large, 503 if all bodies together are */
  take(bytes: number): void
  release(): void
}

export const tooLarge = (maxBytes: number) =>
  new Refusal(413, `the body is larger than ${maxBytes} bytes: send less at a time, or raise LULL_MAX_BODY_BYTES`)

const busy = () =>
  new Refusal(503, `too many bodies are being read now: send the request again in ${RETRY_AFTER_S} s`, {
    'Retry-After': String(RETRY_AFTER_S),
  })
