/**
 * Who can reach a server: only programs on this machine, or others as well.
 *
 * A server is exposed if it listens on an address that is not loopback, if it has a public URL, or, for a single
 * request, if a proxy has forwarded that request: then the caller's loopback address is the proxy's.
 */
import { BlockList, isIPv6 } from 'node:net'
import type { HeaderReader } from '../providers/provider.js'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether only this machine can connect to `host`. A name other than `localhost` may be any machine's. */
export const isLoopback = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')

/** @param publicUrl the address under which others reach the server, if they do */
export const isExposed = ({ host, publicUrl }: { host: string; publicUrl?: string | undefined }): boolean =>
  !isLoopback(host) || publicUrl !== undefined

/**
 * Headers that a proxy, a load balancer, a CDN or a tunnel adds to what it forwards. A program that posts to loopback
 * by itself has no reason to send any. None of them is trusted for what it says: being there is enough.
 */
export const FORWARDING_HEADERS = [
  // Standards: RFC 7239, RFC 9110 (a proxy must send it), RFC 8586 (CDNs).
  'forwarded',
  'via',
  'cdn-loop',
  // Caddy, Traefik, HAProxy, Apache, Envoy, ngrok, AWS, Google Cloud and, as usually configured, nginx.
  'x-forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-forwarded-prefix',
  'x-forwarded-scheme',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  // Services, which each have a header of their own for the caller's address.
  'cf-connecting-ip', // Cloudflare, also its tunnels
  'cf-ray',
  'true-client-ip', // Akamai, Cloudflare Enterprise
  'fastly-client-ip',
  'fly-client-ip',
  'do-connecting-ip', // DigitalOcean
  'x-azure-clientip',
  'x-appengine-user-ip',
  'x-nf-client-connection-ip', // Netlify
  'x-vercel-forwarded-for',
] as const

/** The header that shows that a proxy has forwarded the request, even if it is empty; `undefined` if none does. */
export const forwardingHeader = (header: HeaderReader): string | undefined =>
  FORWARDING_HEADERS.find(name => header(name) !== undefined)
