/**
 * What the network and the disks are like: three plain ones, the published fits, and what a file gives.
 */
import { readFile } from 'node:fs/promises'
import type { Random } from '../../src/core/base/random.ts'
import { profiles as PUBLISHED, type Latencies, type ReplicaLatencies } from '../../src/predict/index.ts'
import { parseProfile } from '../../src/predict/profile-file.ts'
import type { Message } from '../../src/core/message.ts'
import { drawMs } from './draws.ts'

export interface Profile {
  readonly name: string
  readonly about: string
  /** The zones of replicas and clients, in turn. */
  readonly zones: readonly string[]
  /** Mean one-way delays inside a zone and between two, where there are no legs; mostly exponential, some far longer. */
  readonly nearMs: number
  readonly farMs: number
  /** The legs of the WARS model, disks included; each message is then delayed on its own, without keeping order. */
  readonly legs?: Latencies | readonly ReplicaLatencies[]
  /** Mean time of a flush. */
  readonly flushMs: number
  /** About what a call takes: clients think for some of these between two calls. */
  readonly usualMs: number
}

const PLAIN = { zones: [''], farMs: 0 } as const
const FITTED = { zones: [''], nearMs: 0, farMs: 0, flushMs: 0 } as const

const FITS: readonly Profile[] = [
  { name: 'LNKD-SSD', about: 'fit of LinkedIn, solid state disks', ...FITTED, usualMs: 1 },
  { name: 'LNKD-DISK', about: 'fit of LinkedIn, spinning disks', ...FITTED, usualMs: 6 },
  { name: 'YMMR', about: 'fit of Yammer', ...FITTED, usualMs: 10 },
  { name: 'WAN', about: 'LNKD-DISK, 75 ms between replicas', ...FITTED, zones: ['1', '2', '3'], usualMs: 60 },
].map((profile) => ({ ...profile, legs: PUBLISHED[profile.name as keyof typeof PUBLISHED] }))

export const PROFILES: readonly Profile[] = [
  { name: 'loopback', about: '30 µs one way, in memory', ...PLAIN, nearMs: 0.03, flushMs: 0, usualMs: 0.2 },
  { name: 'LAN', about: '0.25 ms one way, flushes of 0.5 ms', ...PLAIN, nearMs: 0.25, flushMs: 0.5, usualMs: 1.5 },
  {
    name: 'three-regions',
    about: '0.25 ms inside a region, 40 ms between two',
    zones: ['eu', 'us', 'asia'],
    nearMs: 0.25,
    farMs: 40,
    flushMs: 0.5,
    usualMs: 40,
  },
  ...FITS,
]

const NAME = /^[\w.-]{1,32}$/

/** A profile from a file as `quorate predict --file` takes it; throws a sentence that says what is wrong with it. */
export async function profileFrom(file: string, name?: string): Promise<Profile> {
  const legs = parseProfile(JSON.parse(await readFile(file, 'utf8')), name)
  if (name !== undefined && !NAME.test(name)) throw new Error(`${JSON.stringify(name)} is not a name of a profile`)
  const random = { fraction: () => 0.5 } as Random
  const first = Array.isArray(legs) ? (legs[0] as ReplicaLatencies) : (legs as Latencies)
  const usualMs = Math.min(100, drawMs(random, first.w) + drawMs(random, first.a))
  return { name: name ?? 'file', about: `legs from ${file}`, ...FITTED, ...zonesFor(legs), legs, usualMs }
}

function zonesFor(legs: Latencies | readonly ReplicaLatencies[]): { readonly zones: readonly string[] } {
  return { zones: 'remoteMs' in legs && (legs.remoteMs ?? 0) > 0 ? ['1', '2', '3'] : [''] }
}

/** Which of the four legs a message is. */
export function legOf(kind: Message['kind']): 'w' | 'a' | 'r' | 's' {
  switch (kind) {
    case 'write':
    case 'mint':
    case 'accept':
    case 'prepare':
      return 'w'
    case 'written':
    case 'minted':
    case 'accepted':
    case 'promised':
      return 'a'
    case 'read-answer':
    case 'scan-page':
    case 'opened':
    case 'refused':
    case 'pong':
    case 'told':
    case 'preempted':
      return 's'
    default:
      return 'r'
  }
}

/** The delay of one message to or from a replica. */
export function legMs(
  random: Random,
  legs: NonNullable<Profile['legs']>,
  at: { readonly kind: Message['kind']; readonly replica: number; readonly isRemote: boolean },
): number {
  const isList = Array.isArray(legs)
  const one = (isList ? legs[at.replica % legs.length] : legs) as ReplicaLatencies
  const remoteMs = at.isRemote && !isList ? ((legs as Latencies).remoteMs ?? 0) : 0
  return drawMs(random, one[legOf(at.kind)]) + remoteMs
}
