/**
 * Who are you, and can you prove it? Two machines without sockets; the caller sends what they give and feeds what came.
 *
 *     dialer                                        listener
 *     hello      who I am, a nonce            -->
 *                                             <--   challenge  who I am, a nonce
 *     proof      keyed hash, as the dialer    -->
 *                                             <--   welcome    keyed hash, as the listener
 *
 * A proof is HMAC-SHA256, under the shared secret, of the prover's part and of both introductions byte for byte. So it
 * binds both identities and everything else that was said; it fails on any other connection, since both nonces are
 * fresh; and neither side's proof can be sent back as the other's. The dialer proves first: a listener gives strangers
 * nothing that they could try guesses on. Without a secret the key is empty, and the proofs only detect mix-ups.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { CLOSE, refusalFor, type HandshakeRefusal } from './close-codes.ts'
import {
  readHandshake,
  writeIntroduction,
  writeProof,
  type HandshakeFrame,
  type Introduction,
} from './handshake-frame.ts'
import type { LinkIdentity } from './transport.ts'

const NONCE_BYTES = 32

/** What to do after a frame. After `done` or `refused` the handshake is over and takes no more frames. */
export type HandshakeStep =
  | { readonly kind: 'send'; readonly frame: Uint8Array }
  /** Proved. `frame`, where there is one, is still to be sent, before any frame of the link. */
  | { readonly kind: 'done'; readonly remote: LinkIdentity; readonly frame: Uint8Array | undefined }
  | { readonly kind: 'refused'; readonly refusal: HandshakeRefusal }

export interface Handshake {
  /** The frame that opens the conversation; `undefined` for the side that waits. */
  readonly opening: Uint8Array | undefined
  /** Whom frames go to, as far as is known. Nothing vouches for a dialer's id before `done`. */
  readonly remoteId: string | undefined
  receive(frame: Uint8Array): HandshakeStep
}

/** One side: who it is, and what it knows. */
export interface HandshakeSide {
  readonly local: LinkIdentity
  readonly secret?: string | undefined
}

/** The side that opens, and that expects one certain replica at the other end. */
export class DialerHandshake implements Handshake {
  readonly opening: Uint8Array
  readonly remoteId: string
  readonly #side: HandshakeSide
  /** What was said and by whom, once the challenge is answered. */
  #challenge: { readonly remote: LinkIdentity; readonly bytes: Uint8Array } | undefined

  constructor(side: HandshakeSide, { remoteId }: { readonly remoteId: string }) {
    this.#side = side
    this.remoteId = remoteId
    this.opening = introduce('hello', side)
  }

  receive(bytes: Uint8Array): HandshakeStep {
    const frame = readHandshake(bytes)
    const challenge = this.#challenge
    if (challenge === undefined) {
      if (frame.kind !== 'challenge') return unexpected(frame)
      const refusal = this.#strange(frame) ?? mismatch(this.#side, frame)
      if (refusal !== undefined) return { kind: 'refused', refusal }
      this.#challenge = { remote: frame.identity, bytes }
      const mac = prove({ as: 'dialer', secret: this.#side.secret, hello: this.opening, challenge: bytes })
      return { kind: 'send', frame: writeProof({ kind: 'proof', mac }) }
    }
    if (frame.kind !== 'welcome') return unexpected(frame)
    const mac = prove({ as: 'listener', secret: this.#side.secret, hello: this.opening, challenge: challenge.bytes })
    if (!timingSafeEqual(mac, frame.mac)) return { kind: 'refused', refusal: refusalFor(CLOSE.secretWrong) }
    return { kind: 'done', remote: challenge.remote, frame: undefined }
  }

  #strange({ identity }: Introduction): HandshakeRefusal | undefined {
    if (identity.id === this.remoteId && identity.role === 'node') return undefined
    const reason = `the replica there is called ${JSON.stringify(identity.id)}; compare the addresses of the replicas`
    return { ...refusalFor(CLOSE.otherReplica), reason }
  }
}

/** The side that waits; it takes any member. */
export class ListenerHandshake implements Handshake {
  readonly opening: undefined = undefined
  readonly #side: HandshakeSide
  #introductions:
    | { readonly remote: LinkIdentity; readonly hello: Uint8Array; readonly challenge: Uint8Array }
    | undefined

  constructor(side: HandshakeSide) {
    this.#side = side
  }

  get remoteId(): string | undefined {
    return this.#introductions?.remote.id
  }

  receive(bytes: Uint8Array): HandshakeStep {
    const frame = readHandshake(bytes)
    if (this.#introductions === undefined) {
      if (frame.kind !== 'hello') return unexpected(frame)
      const refusal = mismatch(this.#side, frame)
      if (refusal !== undefined) return { kind: 'refused', refusal }
      const challenge = introduce('challenge', this.#side)
      this.#introductions = { remote: frame.identity, hello: bytes, challenge }
      return { kind: 'send', frame: challenge }
    }
    if (frame.kind !== 'proof') return unexpected(frame)
    const { remote, hello, challenge } = this.#introductions
    const said = { secret: this.#side.secret, hello, challenge }
    if (!timingSafeEqual(prove({ as: 'dialer', ...said }), frame.mac))
      return { kind: 'refused', refusal: refusalFor(CLOSE.secretWrong) }
    return { kind: 'done', remote, frame: writeProof({ kind: 'welcome', mac: prove({ as: 'listener', ...said }) }) }
  }
}

function introduce(kind: Introduction['kind'], { local, secret }: HandshakeSide): Uint8Array {
  return writeIntroduction({ kind, identity: local, secured: secret !== undefined, nonce: randomBytes(NONCE_BYTES) })
}

interface Said {
  readonly as: 'dialer' | 'listener'
  readonly secret: string | undefined
  readonly hello: Uint8Array
  readonly challenge: Uint8Array
}

/** The length before the first introduction keeps two conversations with the same bytes in a row apart. */
function prove({ as, secret, hello, challenge }: Said): Uint8Array {
  return createHmac('sha256', secret ?? '')
    .update(`quorate ${as} ${hello.length} `)
    .update(hello)
    .update(challenge)
    .digest()
}

/** Why these two do not belong together, as far as the other side's word goes. */
function mismatch({ local, secret }: HandshakeSide, remote: Introduction): HandshakeRefusal | undefined {
  const { clusterId, epoch } = remote.identity
  if (clusterId !== local.clusterId) {
    const there = JSON.stringify(clusterId)
    const reason = `it belongs to the cluster ${there} and this side to ${JSON.stringify(local.clusterId)}`
    return { ...refusalFor(CLOSE.otherCluster), reason }
  }
  if (epoch !== local.epoch) return refusalFor(CLOSE.otherEpoch)
  if (secret !== undefined && !remote.secured) return refusalFor(CLOSE.secretMissing)
  return undefined
}

/** A frame that is not the one whose turn it is. */
function unexpected({ kind }: HandshakeFrame): HandshakeStep {
  const closeCode = kind === 'other-version' ? CLOSE.otherVersion : CLOSE.malformed
  return { kind: 'refused', refusal: refusalFor(closeCode) }
}
