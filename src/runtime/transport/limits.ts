/**
 * The transport's bounds with their defaults, and the options that cannot be.
 *
 * Everything that the application wrote is checked here, once, before a socket is opened.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { invalid, QuorateError } from '../../core/base/errors.ts'
import { isIdentity } from './handshake-frame.ts'
import type { DialOptions, ListenOptions, TransportLimits } from './transport.ts'

const MIB = 2 ** 20

const DEFAULTS: TransportLimits = {
  frameBytesMax: 16 * MIB,
  queueBytesMax: 16 * MIB,
  handshakeMsMax: 3000,
  idleMsMax: 10_000,
  unauthenticatedMax: 64,
  linksMax: 1024,
  backoffMsMin: 50,
  backoffMsMax: 2000,
}

/** Bytes and milliseconds are counted in signed 32 bits by `ws` and by timers. */
const WHOLE_MAX = 2 ** 31 - 1

/** The limits in full. Throws `QUORATE_INVALID_OPTION` for one that cannot be. */
export function resolveLimits(given: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...DEFAULTS, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1 || value > WHOLE_MAX) {
      throw invalid(`\`${name}\` must be a whole number from 1 to ${WHOLE_MAX}, and is ${String(value)}.`)
    }
  }
  if (limits.queueBytesMax < limits.frameBytesMax) {
    throw invalid(
      `\`queueBytesMax\` (${limits.queueBytesMax}) must be at least \`frameBytesMax\` (${limits.frameBytesMax}): ` +
        'the largest frame could never be sent.',
    )
  }
  if (limits.backoffMsMax < limits.backoffMsMin) {
    throw invalid(`\`backoffMsMax\` must be at least \`backoffMsMin\` (${limits.backoffMsMin}).`)
  }
  return limits
}

function checkMember({ local, secret }: DialOptions | ListenOptions): void {
  if (!isIdentity(local)) {
    throw invalid(
      `${JSON.stringify(local)} cannot be a member: \`clusterId\` and \`id\` need 1 to 256 characters, ` +
        '`incarnation` and `epoch` are whole numbers.',
    )
  }
  if (secret === '') throw invalid('`secret` is empty. Set it to what all members share, or leave it out.')
}

/** Throws `QUORATE_INVALID_OPTION` when nothing can be dialed with these. */
export function checkDial(options: DialOptions): void {
  checkMember(options)
  const { url, remoteId } = options
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const fits = parsed !== undefined && /^wss?:$/.test(parsed.protocol) && parsed.hostname !== '' && parsed.hash === ''
  if (!fits) throw invalid(`The address of replica ${remoteId} must look like ws://host:port, and is ${url}.`)
}

/** Throws `QUORATE_INVALID_OPTION` when nothing can listen with these, or when strangers would be let in. */
export function checkListen(options: ListenOptions): void {
  checkMember(options)
  const { host, port, secret } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(`The port to listen on must be a whole number from 0 to 65535, and is ${port}.`)
  }
  if (host === '') throw invalid('The host to listen on is empty. Name an address of this machine, such as 127.0.0.1.')
  if (secret === undefined && !isLoopback(host)) {
    throw invalid(
      `Listening on ${host} without a secret would let in anybody who can reach it. ` +
        'Set the same `secret` on all members, or listen on 127.0.0.1.',
    )
  }
}

/** Whether only this machine can reach the host: 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.')
  if (isIPv6(host)) return host === '::1'
  return host.toLowerCase() === 'localhost'
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use. Stop the process that has it, or choose another port; 0 picks a free one',
  EACCES: 'this user may not open the port. Choose one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address. Listen on 127.0.0.1, or on an address of one of its interfaces',
  ENOTFOUND: 'no such host is known. Listen on 127.0.0.1, or on an address of one of its interfaces',
  EAI_AGAIN: 'the name could not be resolved. Listen on 127.0.0.1, or on an address of one of its interfaces',
}

/** What the system said when listening failed, as an error that tells what to do next. */
export function listenError(cause: NodeJS.ErrnoException, options: Pick<ListenOptions, 'host' | 'port'>): QuorateError {
  const problem = LISTEN_PROBLEMS[cause.code ?? ''] ?? `${cause.message}. Choose another address or port`
  const message = `Cannot listen on ${options.host}:${options.port}: ${problem}.`
  return new QuorateError('QUORATE_INVALID_OPTION', message, { cause })
}
