/**
 * The frames of the handshake as bytes: small msgpackr arrays that begin with the protocol version and the kind.
 *
 * They are the only bytes of a stranger that are parsed, so `readHandshake` checks every field before anything else
 * looks at it. A later version may change everything after the first element, which tells whose frame it is.
 */
import { Packr, Unpackr } from 'msgpackr'
import type { LinkIdentity } from './transport.ts'

/** The version that this side speaks. */
const PROTOCOL_VERSION = 1

/** A larger frame is refused before the handshake is done. */
export const HANDSHAKE_BYTES_MAX = 4096

/** SHA-256. */
const PROOF_BYTES = 32

const NONCE_BYTES_MIN = 16
const NONCE_BYTES_MAX = 64
const TEXT_LENGTH_MAX = 256

/** `hello` is the dialer's, `challenge` the listener's: who I am, whether I have a secret, and a fresh random number. */
export interface Introduction {
  readonly kind: 'hello' | 'challenge'
  readonly identity: LinkIdentity
  readonly secured: boolean
  readonly nonce: Uint8Array
}

/** `proof` is the dialer's, `welcome` the listener's. */
export interface Proof {
  readonly kind: 'proof' | 'welcome'
  readonly mac: Uint8Array
}

/** What was read may also be of another version, or nothing that any version writes. */
export type HandshakeFrame = Introduction | Proof | { readonly kind: 'other-version' } | { readonly kind: 'malformed' }

const KINDS = { hello: 1, challenge: 2, proof: 3, welcome: 4 } as const

// Maps stay maps, so that no key of a stranger's becomes a property; records are off, so that none defines a shape.
const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false })

export function writeIntroduction({ kind, identity, secured, nonce }: Introduction): Uint8Array {
  const { clusterId, id, role, incarnation, epoch } = identity
  return packr.pack([PROTOCOL_VERSION, KINDS[kind], clusterId, id, role, incarnation, epoch, secured, nonce])
}

export function writeProof({ kind, mac }: Proof): Uint8Array {
  return packr.pack([PROTOCOL_VERSION, KINDS[kind], mac])
}

/** Never throws: bytes that cannot be read are `malformed`. */
export function readHandshake(bytes: Uint8Array): HandshakeFrame {
  if (bytes.length > HANDSHAKE_BYTES_MAX) return { kind: 'malformed' }
  let fields: unknown
  try {
    fields = unpackr.unpack(bytes)
  } catch {
    return { kind: 'malformed' }
  }
  if (!Array.isArray(fields)) return { kind: 'malformed' }
  const [version, kind, ...rest] = fields as readonly unknown[]
  if (!isWhole(version)) return { kind: 'malformed' }
  if (version !== PROTOCOL_VERSION) return { kind: 'other-version' }
  if (kind === KINDS.hello) return introduction('hello', rest)
  if (kind === KINDS.challenge) return introduction('challenge', rest)
  if (kind === KINDS.proof) return proof('proof', rest)
  if (kind === KINDS.welcome) return proof('welcome', rest)
  return { kind: 'malformed' }
}

function introduction(kind: Introduction['kind'], fields: readonly unknown[]): HandshakeFrame {
  const [clusterId, id, role, incarnation, epoch, secured, nonce] = fields
  const identity = { clusterId, id, role, incarnation, epoch }
  if (fields.length !== 7 || !isIdentity(identity) || typeof secured !== 'boolean') return { kind: 'malformed' }
  if (!isBytes(nonce) || nonce.length < NONCE_BYTES_MIN || nonce.length > NONCE_BYTES_MAX) return { kind: 'malformed' }
  return { kind, identity, secured, nonce }
}

function proof(kind: Proof['kind'], fields: readonly unknown[]): HandshakeFrame {
  const [mac] = fields
  if (fields.length !== 1 || !isBytes(mac) || mac.length !== PROOF_BYTES) return { kind: 'malformed' }
  return { kind, mac }
}

/** Whether every field is of its type and within its length, for identities from outside and for our own alike. */
export function isIdentity(identity: { readonly [Field in keyof LinkIdentity]: unknown }): identity is LinkIdentity {
  const { clusterId, id, role, incarnation, epoch } = identity
  return (
    isText(clusterId) && isText(id) && (role === 'node' || role === 'client') && isWhole(incarnation) && isWhole(epoch)
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}
