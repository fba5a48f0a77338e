/**
 * What a simulated host is made of, for the host itself and for the process on it.
 */
import type { Random } from '../core/base/random.ts'
import type { ResolvedCore, ResolvedKeyspace } from '../core/options.ts'
import type { Membership } from '../core/placement/membership.ts'
import type { Breakage } from './breakage.ts'
import type { NodeClock } from './clocks.ts'
import type { SimDisk } from './disk.ts'
import type { Network } from './network.ts'
import type { Simulator } from './simulator.ts'

export interface HostConfig {
  readonly index: number
  readonly name: string
  readonly zone: string
  readonly simulator: Simulator
  readonly network: Network
  readonly membership: Membership
  readonly options: ResolvedCore
  readonly random: Random
  readonly clock: NodeClock
  /** Left out for a client. */
  readonly disk: SimDisk | undefined
  readonly flushMs: number
  /** How the process keeps its duty to the disk: see process.ts. */
  readonly joinsEffects: boolean
  /** What to open. */
  readonly keyspace: ResolvedKeyspace
  /** Whether it opens the keyspace without saying how, and takes what the others have. */
  readonly adopts: boolean
  readonly breakage: Breakage | undefined
}
