/**
 * A quorum system: which sets of nodes may answer reads and which writes, with the proof that they meet.
 *
 * The coordinator runs the same expressions that the proof and the analysis read.
 */
import { invalid } from '../core/base/errors.ts'
import { checkObject } from '../core/base/shape.ts'
import { checkExpression } from '../core/quorum/check-expression.ts'
import { namesOf, normalised, type Expression } from '../core/quorum/expression.ts'
import { disjointError, findDisjoint } from '../core/quorum/intersect.ts'
import { parseExpression } from '../core/quorum/parse-expression.ts'
import { printExpression } from '../core/quorum/print-expression.ts'
import { explainSides, type ExplainOptions, type Explanation } from './explain.ts'
import { minimalQuorums } from './minimal-quorums.ts'
import { resilienceOf, type Resilience } from './resilience.ts'
import { readSide, writeSide } from './sides.ts'
import { strategyFor, type Strategy, type StrategyOptions } from './strategy.ts'

export interface QuorumSystemOptions {
  readonly reads: Expression
  readonly writes: Expression
  /**
   * False by default: building a system whose quorums do not meet throws. True leaves it to `check` and `intersects`,
   * for tools that show what is wrong with one.
   */
  readonly unchecked?: boolean
}

export class QuorumSystem {
  readonly reads: Expression
  readonly writes: Expression
  /** The canonical text of both sides, which `parseQuorums` reads. */
  readonly read: string
  readonly write: string
  /** All names on either side, sorted. */
  readonly nodes: readonly string[]

  /**
   * Throws `QUORATE_QUORUMS_DISJOINT`; `QUORATE_INVALID_OPTION` for expressions that are none or can never be met, and
   * for more than 31 names; and `QUORATE_LIMIT` for what is too long to write out or to prove.
   */
  constructor(options: QuorumSystemOptions) {
    checkObject(options, 'what is given for a quorum system')
    checkExpression(options.reads, 'reads')
    checkExpression(options.writes, 'writes')
    this.reads = normalised(options.reads)
    this.writes = normalised(options.writes)
    this.read = printExpression(this.reads)
    this.write = printExpression(this.writes)
    this.nodes = [...new Set([...namesOf(this.reads), ...namesOf(this.writes)])].toSorted()
    // What cannot be read back, because it is too long or too deep, could not be written into a keyspace's options.
    parseExpression(this.read)
    parseExpression(this.write)
    if (options.unchecked !== true) this.check()
  }

  /** Throws `QUORATE_QUORUMS_DISJOINT`, naming a read and a write quorum that do not meet, unless there are none. */
  check(): void {
    const disjoint = findDisjoint(this)
    if (disjoint !== undefined) throw disjointError(disjoint)
  }

  /** Whether every read quorum meets every write quorum. */
  get intersects(): boolean {
    return findDisjoint(this) === undefined
  }

  /** The minimal read quorums, small ones first. Throws `QUORATE_LIMIT` when they are too many to list. */
  readQuorums(): string[][] {
    return minimalQuorums(readSide(this))
  }

  /** The minimal write quorums, small ones first. Throws `QUORATE_LIMIT` when they are too many to list. */
  writeQuorums(): string[][] {
    return minimalQuorums(writeSide(this))
  }

  /** How many failures are survived, whichever nodes they strike. */
  get resilience(): Resilience {
    return resilienceOf(this)
  }

  /** How often to ask each quorum, so that load, latency or messages are least. Throws like `strategyFor`. */
  strategy(options: StrategyOptions = {}): Strategy {
    return strategyFor(this, options)
  }

  /** The load of the best strategy: its busiest node's time per operation, 1 being all of one node. */
  load(options: StrategyOptions = {}): number {
    return this.strategy(options).load
  }

  /** Operations a second with the best strategy. */
  capacity(options: StrategyOptions = {}): number {
    return this.strategy(options).capacity
  }

  /** Nodes asked per operation with the best strategy. */
  networkLoad(options: StrategyOptions = {}): number {
    return this.strategy(options).networkLoad
  }

  /** Average milliseconds with the best strategy. */
  latency(options: StrategyOptions & { readonly latencies: Readonly<Record<string, number>> }): number {
    const { latencyMs } = this.strategy(options)
    if (latencyMs === undefined) throw invalid('latency needs latencies')
    return latencyMs
  }

  /** Whom a read and a write would ask now, what that guarantees, and how many more failures it survives. */
  explain(options: ExplainOptions = {}): Explanation {
    return explainSides(this, options)
  }

  toJSON(): { readonly read: string; readonly write: string; readonly nodes: readonly string[] } {
    return { read: this.read, write: this.write, nodes: this.nodes }
  }
}
