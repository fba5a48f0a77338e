/**
 * Every WebSocket close code that the transport uses, and what each refusal of a handshake means to whoever dialed.
 *
 * 1000 to 1013 are the protocol's own (RFC 6455, 7.4.1); 4000 and up are ours. Only the number is trusted: the text
 * that came with it was written by a stranger.
 */
import type { ErrorCode } from '../../core/base/errors.ts'

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  malformed: 1002,
  notBinary: 1003,
  broken: 1006,
  notText: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
  tryLater: 1013,
  handshakeTimeout: 4000,
  otherVersion: 4001,
  otherCluster: 4002,
  otherEpoch: 4003,
  otherReplica: 4004,
  secretMissing: 4005,
  secretWrong: 4006,
  idle: 4007,
} as const

/** The codes that one side closes with when it refuses the other in the handshake. */
type RefusalCode = (typeof CLOSE)[
  | 'malformed'
  | 'otherVersion'
  | 'otherCluster'
  | 'otherEpoch'
  | 'otherReplica'
  | 'secretMissing'
  | 'secretWrong']

/** Why one side refuses the other: the code it closes with, the code of the error, and a sentence without its end. */
export interface HandshakeRefusal {
  readonly closeCode: RefusalCode
  readonly errorCode: ErrorCode
  readonly reason: string
}

const REFUSALS: Readonly<Record<RefusalCode, Omit<HandshakeRefusal, 'closeCode'>>> = {
  [CLOSE.malformed]: { errorCode: 'QUORATE_PROTOCOL', reason: 'the handshake is not one of quorate' },
  [CLOSE.otherVersion]: {
    errorCode: 'QUORATE_PROTOCOL',
    reason: 'the sides speak different versions of the protocol; run the same quorate on both',
  },
  [CLOSE.otherCluster]: {
    errorCode: 'QUORATE_UNAUTHORIZED',
    reason: 'it belongs to another cluster; compare the cluster ids and the address',
  },
  [CLOSE.otherEpoch]: {
    errorCode: 'QUORATE_UNAUTHORIZED',
    reason: 'the sides have different lists of replicas; give both the same one',
  },
  [CLOSE.otherReplica]: {
    errorCode: 'QUORATE_UNAUTHORIZED',
    reason: 'another replica was expected there; compare the addresses of the replicas',
  },
  [CLOSE.secretMissing]: {
    errorCode: 'QUORATE_UNAUTHORIZED',
    reason: 'one side has a secret and the other has none; set the same `secret` on both',
  },
  [CLOSE.secretWrong]: {
    errorCode: 'QUORATE_UNAUTHORIZED',
    reason: 'the sides have different secrets; set the same `secret` on both',
  },
}

/** What refusing with this code means, in words that give nothing away. */
export function refusalFor(closeCode: RefusalCode): HandshakeRefusal {
  return { closeCode, ...REFUSALS[closeCode] }
}

/** What it means that the other side closed with this code in the handshake; `undefined` when it refused nothing. */
export function remoteRefusal(closeCode: number): HandshakeRefusal | undefined {
  return closeCode in REFUSALS ? refusalFor(closeCode as RefusalCode) : undefined
}

/** Text from outside, fit for a log: printable ASCII, and no longer than a close frame can carry. */
export function printable(text: Uint8Array): string {
  return Buffer.from(text.buffer, text.byteOffset, Math.min(text.byteLength, 123))
    .toString('latin1')
    .replaceAll(/[^\u0020-\u007e]/g, '?')
}
