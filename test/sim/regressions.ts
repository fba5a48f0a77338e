import type { SimulateOptions } from '../../src/sim/index.ts'

/**
 * Seeds that once showed a fault, with what it was. They stay for good, also when a change of the simulator gives them
 * another schedule: what an old seed no longer tells is told by a scenario beside it.
 */
export interface Regression {
  readonly seed: number
  /** `ap` if left out. */
  readonly mode?: 'cp'
  /** What was given beside the seed. */
  readonly options?: Omit<SimulateOptions, 'seed'>
  /** What went wrong, or could have. */
  readonly showed: string
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 318, showed: 'a second mint of one write rose beside a write that had seen the first, behind a partition' },
  { seed: 357, showed: 'the same, where two writes lay between' },
  { seed: 417, showed: 'the same, after a crash, with reads of one replica' },
  { seed: 494, showed: 'the same, in a cluster with zones' },
  { seed: 531, showed: 'the same with r = 3 and w = 3, shown by a strict read' },
  { seed: 599, showed: 'the same, on disks that were slow' },
  { seed: 682, showed: 'the same, and a session saw time go back' },
  { seed: 746, showed: 'the same, with clocks that were an hour apart' },
  { seed: 767, showed: 'the same, with crashes alone' },
  { seed: 803, showed: 'the same, over one-way cuts' },
  { seed: 396, showed: 'a write came back after more overwrites than a record remembers, on a single replica' },
  { seed: 516, showed: 'the same, with mints that were replayed' },
  { seed: 1086, showed: 'the same, after a crash' },
  { seed: 141, showed: 'a refused put was called undone, and a replayed copy of its mint was taken' },
  { seed: 459, showed: 'the same, with r = 2 and w = 1' },
  {
    seed: 589,
    showed: 'the same, where the network neither doubled nor replayed: the coordinator itself had asked twice',
  },
  { seed: 1056, showed: 'the same, over pauses' },
  {
    seed: 9026,
    showed: 'a retry that found its write overwritten gave a context without it, so the next write left it standing',
  },
  { seed: 1935, showed: 'a twin hidden behind a cut rose after more overwrites than a record and a context name' },
  { seed: 2253074837, showed: 'the same, after more than 64 overwrites' },
  { seed: 9100121, showed: 'a first request, held up by a cut until its retry was minted, overwritten and forgotten' },
  { seed: 19304, showed: 'the same, with a home that had crashed' },
  {
    seed: 912126,
    showed: 'of two replicas whose disks were lost at once, each told the other that it had lost nothing',
  },
  {
    seed: 137,
    mode: 'cp',
    showed: 'an acceptor that had promised more than anybody had accepted could not be brought up to date by exchanges',
  },
  {
    seed: 5000,
    mode: 'cp',
    showed:
      'a read was answered once a quorum had promised its round, and a write that had been given up rose after it',
  },
  { seed: 269, mode: 'cp', showed: 'the same, in another cluster' },
  {
    seed: 90430,
    options: {
      replicas: 3,
      keyspace: { n: 3, r: 2, w: 2 },
      leadership: {},
      workload: { operations: 10, durationMs: 30_000 },
      nemesis: { classes: ['wipe', 'crash', 'pause', 'one-way', 'clock-rate'] },
    },
    showed: 'a repair that a slow moment held up was refused as too old, and the last reads did not repair again',
  },
  {
    seed: 8100071,
    mode: 'cp',
    showed: 'copies of a deleted register were called different where only some of its acceptors had promised more',
  },
  {
    seed: 5008215,
    showed:
      'a session read nothing after its own write: a replica that had it had answered with a digest, and counted as one that had erased it',
  },
  {
    seed: 41156,
    mode: 'cp',
    showed:
      'a change that one acceptor had accepted counted as never applied once a later round had looked it up elsewhere, and was found and proposed again',
  },
  {
    seed: 7000133,
    options: { keyspace: { mode: 'cp', leader: true } },
    showed:
      'those who waited for a leader looked around so often that votes and renewals queued behind it on slow links',
  },
  {
    seed: 7100004,
    options: { keyspace: { mode: 'cp', leader: true } },
    showed: 'seven contenders far apart, of whom a lease needed all, kept meeting in votes that elected nobody',
  },
  {
    seed: 7009987,
    mode: 'cp',
    showed:
      'a fault for good had begun before an acceptor had heard of all others, and the others were asked to do without it',
  },
  { seed: 5001237, showed: 'a replica was given up that still waited to ask again for what it had lost' },
]
