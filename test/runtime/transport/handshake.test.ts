/** The handshake without sockets: who is let in, who is not, and that nothing a stranger sends can break it. */
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/core/base/random.ts'
import { CLOSE } from '../../../src/runtime/transport/close-codes.ts'
import { HANDSHAKE_BYTES_MAX, readHandshake } from '../../../src/runtime/transport/handshake-frame.ts'
import {
  DialerHandshake,
  ListenerHandshake,
  type Handshake,
  type HandshakeSide,
  type HandshakeStep,
} from '../../../src/runtime/transport/handshake.ts'
import type { LinkIdentity } from '../../../src/runtime/transport/transport.ts'
import { identity } from './harness.ts'

const packr = new Packr({ useRecords: false })

function pack(...fields: readonly unknown[]): Uint8Array {
  return packr.pack(fields)
}

function frameOf(step: HandshakeStep): Uint8Array {
  if (step.kind === 'refused' || step.frame === undefined) throw new Error(`no frame: ${JSON.stringify(step)}`)
  return step.frame
}

function codeOf(step: HandshakeStep): number | undefined {
  return step.kind === 'refused' ? step.refusal.closeCode : undefined
}

/** Lets the two talk until one of them is through or refuses. */
function converse({ dialer, listener }: { dialer: DialerHandshake; listener: ListenerHandshake }): {
  atDialer?: HandshakeStep
  atListener: HandshakeStep
} {
  const challenged = listener.receive(dialer.opening)
  if (challenged.kind !== 'send') return { atListener: challenged }
  const proved = dialer.receive(challenged.frame)
  if (proved.kind !== 'send') return { atListener: challenged, atDialer: proved }
  const welcomed = listener.receive(proved.frame)
  if (welcomed.kind !== 'done') return { atListener: welcomed, atDialer: proved }
  return { atListener: welcomed, atDialer: dialer.receive(frameOf(welcomed)) }
}

function sides(options: { readonly dialer?: Partial<HandshakeSide>; readonly listener?: Partial<HandshakeSide> }): {
  dialer: DialerHandshake
  listener: ListenerHandshake
} {
  return {
    dialer: new DialerHandshake({ local: identity('a'), secret: 'deep', ...options.dialer }, { remoteId: 'b' }),
    listener: new ListenerHandshake({ local: identity('b'), secret: 'deep', ...options.listener }),
  }
}

describe('handshake', () => {
  test.for([
    ['one secret', 'deep'],
    ['no secret', undefined],
  ] as const)('two members: %s on both sides gives each the other, as it is', ([, secret]) => {
    const client = identity('shell-1', { role: 'client', incarnation: 2 ** 52 - 1, epoch: 0 })
    const node = identity('b', { epoch: 0 })
    const { dialer, listener } = sides({ dialer: { local: client, secret }, listener: { local: node, secret } })
    expect(listener.remoteId).toBeUndefined()
    const { atDialer, atListener } = converse({ dialer, listener })
    expect(atDialer).toMatchObject({ kind: 'done', remote: node })
    expect(atListener).toMatchObject({ kind: 'done', remote: client })
    expect(listener.remoteId).toBe('shell-1')
  })

  test.for([
    ['another cluster', { local: identity('a', { clusterId: 'other' }) }, CLOSE.otherCluster],
    ['another epoch', { local: identity('a', { epoch: 8 }) }, CLOSE.otherEpoch],
    ['another secret', { secret: 'shallow' }, CLOSE.secretWrong],
    ['no secret', { secret: undefined }, CLOSE.secretMissing],
  ] as const)('listener: a dialer with %s is refused', ([, dialer, code]) => {
    const { atListener } = converse(sides({ dialer }))
    expect(codeOf(atListener)).toBe(code)
  })

  test.for([
    ['another id', { local: identity('c') }, CLOSE.otherReplica],
    ['the role of a client', { local: identity('b', { role: 'client' }) }, CLOSE.otherReplica],
    ['no secret', { secret: undefined }, CLOSE.secretMissing],
  ] as const)('dialer: a listener with %s is refused before anything is proved to it', ([, listener, code]) => {
    const { atDialer } = converse(sides({ listener }))
    expect(codeOf(atDialer as HandshakeStep)).toBe(code)
  })

  test('dialer: a listener of another cluster or epoch is refused even when the listener does not mind', () => {
    for (const [other, code] of [
      [identity('b', { clusterId: 'other' }), CLOSE.otherCluster],
      [identity('b', { epoch: 8 }), CLOSE.otherEpoch],
    ] as const) {
      const { dialer } = sides({})
      const agreeable = new ListenerHandshake({ local: other, secret: 'deep' })
      const likeIt = new DialerHandshake({ local: other, secret: 'deep' }, { remoteId: 'b' })
      expect(codeOf(dialer.receive(frameOf(agreeable.receive(likeIt.opening))))).toBe(code)
    }
  })

  test('dialer: a listener that only guesses the secret is refused', () => {
    const { dialer, listener } = sides({})
    dialer.receive(frameOf(listener.receive(dialer.opening)))
    expect(codeOf(dialer.receive(pack(1, 4, new Uint8Array(32))))).toBe(CLOSE.secretWrong)
  })
})

describe('proofs', () => {
  test('a proof that was overheard is worth nothing on the next connection', () => {
    const { dialer, listener } = sides({})
    const proof = frameOf(dialer.receive(frameOf(listener.receive(dialer.opening))))
    expect(listener.receive(proof).kind).toBe('done')
    const next = new ListenerHandshake({ local: identity('b'), secret: 'deep' })
    expect(next.receive(dialer.opening).kind).toBe('send')
    expect(codeOf(next.receive(proof))).toBe(CLOSE.secretWrong)
  })

  test('a dialer is not fooled by its own proof sent back as a welcome', () => {
    const { dialer, listener } = sides({})
    const proof = readHandshake(frameOf(dialer.receive(frameOf(listener.receive(dialer.opening)))))
    if (proof.kind !== 'proof') throw new Error('expected a proof')
    expect(codeOf(dialer.receive(pack(1, 4, proof.mac)))).toBe(CLOSE.secretWrong)
  })

  test.for<[string, Partial<LinkIdentity>]>([
    ['id', { id: 'mallory' }],
    ['role', { role: 'client' }],
    ['incarnation', { incarnation: 2 }],
  ])('an introduction whose %s was changed on the way makes the proof fail', ([, change]) => {
    const { dialer, listener } = sides({})
    const hello = readHandshake(dialer.opening)
    if (hello.kind !== 'hello') throw new Error('expected a hello')
    const { clusterId, id, role, incarnation, epoch } = { ...hello.identity, ...change }
    const changed = pack(1, 1, clusterId, id, role, incarnation, epoch, hello.secured, hello.nonce)
    const proof = frameOf(dialer.receive(frameOf(listener.receive(changed))))
    expect(codeOf(listener.receive(proof))).toBe(CLOSE.secretWrong)
  })
})

describe('frames', () => {
  const nonce = new Uint8Array(16)
  const hello = [1, 1, 'main', 'a', 'node', 1, 7, true, nonce]

  test('a hello with all its fields is read', () => {
    expect(readHandshake(pack(...hello))).toMatchObject({ kind: 'hello', identity: identity('a'), secured: true })
  })

  test.for([
    ['no array', { 0: 1, 1: 1 }],
    ['a version that is no number', ['1', ...hello.slice(1)]],
    ['an unknown kind', [1, 9, ...hello.slice(2)]],
    ['a field too few', hello.slice(0, -1)],
    ['a field too many', [...hello, 1]],
    ['an empty id', hello.with(3, '')],
    ['an id of 257 characters', hello.with(3, 'x'.repeat(257))],
    ['a cluster id that is no text', hello.with(2, 5)],
    ['an unknown role', hello.with(4, 'king')],
    ['a negative incarnation', hello.with(5, -1)],
    ['a broken incarnation', hello.with(5, 1.5)],
    ['an epoch beyond 2^53', hello.with(6, 2 ** 60)],
    ['a flag that is no boolean', hello.with(7, 1)],
    ['a nonce of 15 bytes', hello.with(8, new Uint8Array(15))],
    ['a nonce of 65 bytes', hello.with(8, new Uint8Array(65))],
    ['a nonce that is text', hello.with(8, 'x'.repeat(16))],
    ['a proof of 31 bytes', [1, 3, new Uint8Array(31)]],
    ['a proof that is text', [1, 3, 'x'.repeat(32)]],
  ] as const)('%s is malformed', ([, fields]) => {
    expect(readHandshake(packr.pack(fields))).toEqual({ kind: 'malformed' })
  })

  test('a frame over the limit is malformed whatever it says', () => {
    const large = pack(1, 3, new Uint8Array(HANDSHAKE_BYTES_MAX))
    expect(readHandshake(large)).toEqual({ kind: 'malformed' })
  })

  test('a frame of another version is told apart from nonsense, whatever follows', () => {
    expect(readHandshake(pack(2, 'a later version may put anything here'))).toEqual({ kind: 'other-version' })
    const { listener } = sides({})
    expect(codeOf(listener.receive(pack(2)))).toBe(CLOSE.otherVersion)
    const { dialer } = sides({})
    expect(codeOf(dialer.receive(pack(2)))).toBe(CLOSE.otherVersion)
  })

  test('a frame out of turn is refused by either side', () => {
    const proof = pack(1, 3, new Uint8Array(32))
    const { dialer, listener } = sides({})
    for (const side of [dialer, listener] as readonly Handshake[]) {
      expect(codeOf(side.receive(proof))).toBe(CLOSE.malformed)
    }
    const again = sides({})
    again.listener.receive(again.dialer.opening)
    expect(codeOf(again.listener.receive(again.dialer.opening))).toBe(CLOSE.malformed)
  })
})

describe('fuzz', () => {
  const SEED = 20_071_014

  test(`random bytes and broken frames (seed ${SEED}) never throw and are never let in`, () => {
    const random = new Random(SEED)
    const letIn: string[] = []
    for (let i = 0; i < 5000; i++) {
      const { dialer, listener } = sides({})
      const challenge = frameOf(listener.receive(dialer.opening))
      const proof = frameOf(dialer.receive(challenge))
      const genuine = random.pick([dialer.opening, challenge, proof])
      const bytes = random.chance(0.5) ? damaged(genuine, random) : noise(random)
      for (const side of [dialer, listener, new ListenerHandshake({ local: identity('b'), secret: 'deep' })]) {
        if (side.receive(bytes).kind === 'done') letIn.push(Buffer.from(bytes).toString('hex'))
      }
    }
    expect(letIn).toEqual([])
  })

  function noise(random: Random): Uint8Array {
    return Uint8Array.from({ length: random.below(80) }, () => random.below(256))
  }

  /** Flips, cuts or doubles; never the frame as it was. */
  function damaged(frame: Uint8Array, random: Random): Uint8Array {
    const bytes = Uint8Array.from(frame)
    const cut = random.below(bytes.length)
    switch (random.below(3)) {
      case 0:
        bytes[cut] = ((bytes[cut] as number) + 1 + random.below(255)) % 256
        return bytes
      case 1:
        return bytes.subarray(0, cut)
      default:
        return Buffer.concat([bytes, bytes])
    }
  }
})
