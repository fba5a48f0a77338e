/**
 * The settings that the matrix compares: what an application may choose for a keyspace, and for a read of it.
 */
import type { AnyKeyspaceOptions } from '../../src/core/options.ts'
import { grid } from '../../src/quorum/index.ts'

/** Guarantees that a run is looked through for. */
export const GUARANTEES = [
  'fresh reads',
  'monotonic reads',
  'own writes seen',
  'acknowledged writes kept',
  'concurrent writes kept',
  'linearizable',
  'every call answered',
] as const

export type Guarantee = (typeof GUARANTEES)[number]

export interface Setting {
  readonly name: string
  readonly about: string
  readonly replicas: number
  readonly keyspace: AnyKeyspaceOptions
  /** The zones of replicas and clients in turn, in place of the profile's. */
  readonly zones?: readonly string[]
  /** Whether replicas exchange in the background; they do by default. */
  readonly exchanges?: false
  /** Whether reads of registers take what any replica has. */
  readonly stale?: true
  /** What the store promises with it while no disk is lost. Broken all the same, it is a fault of the store. */
  readonly promises: readonly Guarantee[]
  /** Whether real processes can run it: three replicas. */
  readonly real?: true
}

const KEPT: readonly Guarantee[] = ['acknowledged writes kept']
const FRESH: readonly Guarantee[] = ['fresh reads', 'own writes seen']
const REGULAR: readonly Guarantee[] = [...KEPT, ...FRESH]
const STEADY: readonly Guarantee[] = [...REGULAR, 'monotonic reads']

function lww(n: number, r: number, w: number): Setting {
  const strict = r + w > n
  const promises: Guarantee[] = [
    ...(strict ? FRESH : []),
    // What one replica alone took is gone with it.
    ...(w > 1 ? KEPT : []),
    // Reads that hold a write quorum repair before they answer, so that later ones see no less.
    ...(strict && r >= w ? (['monotonic reads'] as const) : []),
  ]
  const keyspace = { mode: 'ap', n, r, w, conflicts: 'lww' } as const
  const about = strict ? 'reads meet writes' : 'reads may miss writes'
  return { name: `n${n}-r${r}-w${w}`, about, replicas: n, keyspace, promises, ...(n === 3 && { real: true }) }
}

const LWW = { mode: 'ap', n: 3, conflicts: 'lww' } as const
const SIBLINGS = { mode: 'ap', n: 3, conflicts: 'siblings' } as const
const ALL_KEPT: readonly Guarantee[] = ['concurrent writes kept']
const LINEARIZABLE: readonly Guarantee[] = [...STEADY, 'linearizable']
const SIX = grid([
  ['a', 'b', 'c'],
  ['d', 'e', 'f'],
])

export const SETTINGS: readonly Setting[] = [
  ...[
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
    [1, 3],
    [3, 1],
  ].map(([r, w]) => lww(3, r as number, w as number)),
  ...[
    [1, 1],
    [2, 2],
    [3, 3],
    [2, 4],
    [1, 5],
    [5, 1],
  ].map(([r, w]) => lww(5, r as number, w as number)),
  {
    name: 'siblings-r1-w1',
    about: 'AP, siblings, any replica',
    replicas: 3,
    keyspace: { ...SIBLINGS, r: 1, w: 1 },
    promises: [],
  },
  {
    name: 'siblings-r2-w2',
    about: 'AP, siblings, majorities',
    replicas: 3,
    keyspace: { ...SIBLINGS, r: 2, w: 2 },
    promises: [...STEADY, ...ALL_KEPT],
    real: true,
  },
  {
    name: 'sloppy',
    about: 'AP, siblings, N = 3 of five, others stand in',
    replicas: 5,
    keyspace: { ...SIBLINGS, r: 2, w: 2, sloppy: true },
    promises: [...KEPT, ...ALL_KEPT],
  },
  {
    name: 'level-one-all',
    about: 'levels: read one, write all',
    replicas: 3,
    keyspace: { ...LWW, read: 'one', write: 'all' },
    promises: REGULAR,
  },
  {
    name: 'level-local-each',
    about: 'levels: local-quorum, each-quorum, two zones of three',
    replicas: 6,
    zones: ['eu', 'us'],
    keyspace: { ...LWW, n: 6, read: 'local-quorum', write: 'each-quorum' },
    promises: REGULAR,
  },
  {
    name: 'grid-2x3',
    about: 'a grid of two columns of three',
    replicas: 6,
    keyspace: { ...LWW, n: 6, quorums: SIX },
    promises: REGULAR,
  },
  {
    name: 'n3-r1-w1-no-repair',
    about: 'no read repair, no exchanges',
    replicas: 3,
    exchanges: false,
    keyspace: { ...LWW, r: 1, w: 1, repair: 'off' },
    promises: [],
  },
  {
    name: 'n3-r2-w1-no-repair',
    about: 'no read repair, no exchanges',
    replicas: 3,
    exchanges: false,
    keyspace: { ...LWW, r: 2, w: 1, repair: 'off' },
    promises: [],
  },
  {
    name: 'n3-r2-w2-no-repair',
    about: 'majorities without read repair: half-done writes come and go',
    replicas: 3,
    keyspace: { ...LWW, r: 2, w: 2, repair: 'off' },
    promises: REGULAR,
  },
  {
    name: 'n3-r2-w2-background',
    about: 'majorities, repair after the answer',
    replicas: 3,
    keyspace: { ...LWW, r: 2, w: 2, repair: 'background' },
    promises: REGULAR,
  },
  {
    name: 'cp',
    about: 'registers, majorities',
    replicas: 3,
    keyspace: { mode: 'cp', n: 3 },
    promises: LINEARIZABLE,
    real: true,
  },
  {
    name: 'cp-n5',
    about: 'registers, majorities of five',
    replicas: 5,
    keyspace: { mode: 'cp', n: 5 },
    promises: LINEARIZABLE,
  },
  {
    name: 'cp-flexible',
    about: 'registers of five, phases of four and two',
    replicas: 5,
    keyspace: { mode: 'cp', n: 5, phase1: 4, phase2: 2 },
    promises: LINEARIZABLE,
  },
  {
    name: 'cp-leader',
    about: 'registers with an elected leader, which reads under its lease',
    replicas: 3,
    keyspace: { mode: 'cp', leader: true },
    promises: LINEARIZABLE,
    real: true,
  },
  {
    name: 'cp-stale-read',
    about: 'registers, reads take what a replica has',
    replicas: 3,
    keyspace: { mode: 'cp', n: 3 },
    stale: true,
    promises: KEPT,
    real: true,
  },
]
