/**
 * Partitions as people tell them: which links are cut, from when to when. One schedule serves both the wrong approaches
 * and our own modes.
 */
import type { Link } from '../../src/sim/network.ts'

/** Links that carry nothing for a while. */
export interface Cut {
  readonly shape: string
  readonly fromMs: number
  readonly toMs: number
  readonly links: readonly Link[]
}

/** Replicas are named by number: 0 is the one that leads at first where that is up to us. */
export interface Schedule {
  readonly name: string
  readonly replicas: number
  readonly cuts: readonly Cut[]
  /** Replicas with which everything takes many times as long, and that are well. */
  readonly slow?: { readonly replica: number; readonly factor: number; readonly fromMs: number; readonly toMs: number }
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Both directions between members of different groups. */
function apart(groups: readonly (readonly number[])[], span: Span): Cut {
  const links = groups.flatMap((group, at) =>
    groups.flatMap((others, other) =>
      at === other ? [] : group.flatMap((from) => others.map((to) => ({ from, to }))),
    ),
  )
  return { shape: groups.map((group) => group.length).join('-'), ...span, links }
}

/** What these replicas send arrives nowhere; what is sent to them does. */
function unheard(mute: readonly number[], others: readonly number[], span: Span): Cut {
  return { shape: 'one-way', ...span, links: mute.flatMap((from) => others.map((to) => ({ from, to }))) }
}

const LONG: Span = { fromMs: 10_000, toMs: 40_000 }

/** Long enough for all of them to heal, and to be looked at afterwards. */
export const SCHEDULE_MS = 60_000

/** Note 0, sections 3 and 7: everything that a clean picture of two halves leaves out. */
export const SCHEDULES: readonly Schedule[] = [
  { name: '2-1', replicas: 3, cuts: [apart([[0], [1, 2]], LONG)] },
  { name: '1-1-1', replicas: 3, cuts: [apart([[0], [1], [2]], LONG)] },
  {
    name: '3-2',
    replicas: 5,
    cuts: [
      apart(
        [
          [0, 1],
          [2, 3, 4],
        ],
        LONG,
      ),
    ],
  },
  { name: '2-2-1', replicas: 5, cuts: [apart([[0, 1], [2, 3], [4]], LONG)] },
  {
    // B and C go on without A; A comes back and catches up, and B is lost at once.
    name: 'cascading',
    replicas: 3,
    cuts: [
      apart([[0], [1, 2]], { fromMs: 10_000, toMs: 20_000 }),
      apart([[1], [0, 2]], { fromMs: 20_000, toMs: 30_000 }),
      apart([[2], [0, 1]], { fromMs: 30_000, toMs: 40_000 }),
    ],
  },
  { name: 'one-way', replicas: 3, cuts: [unheard([0], [1, 2], LONG)] },
  { name: 'bridge', replicas: 3, cuts: [apart([[0], [1]], LONG)] },
  { name: 'slow, not dead', replicas: 3, cuts: [], slow: { replica: 0, factor: 1000, ...LONG } },
]
