/**
 * A quorum system: which sets of nodes may answer reads and which writes, with the proof that they meet.
 *
 * The coordinator runs the same expressions that the proof and the analysis read.
 */
import { invalid, QuorateError } from '../core/base/errors.ts'
import { namesOf, normalised, type Expression } from '../core/quorum/expression.ts'
import { disjointError, findDisjoint } from '../core/quorum/intersect.ts'
import { EXPRESSION_CHARS_MAX } from '../core/quorum/parse-expression.ts'
import { printExpression } from '../core/quorum/print-expression.ts'
import { POSITIONS_MAX } from '../core/quorum/quorum.ts'

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

  /** Throws `QUORATE_QUORUMS_DISJOINT`, and `QUORATE_LIMIT` for what is too large to print or to prove. */
  constructor(options: QuorumSystemOptions) {
    this.reads = normalised(options.reads)
    this.writes = normalised(options.writes)
    this.read = printExpression(this.reads)
    this.write = printExpression(this.writes)
    this.nodes = [...new Set([...namesOf(this.reads), ...namesOf(this.writes)])].toSorted()
    if (this.nodes.length > POSITIONS_MAX) {
      throw invalid(`a quorum system has at most ${POSITIONS_MAX} nodes, not ${this.nodes.length}`)
    }
    const chars = Math.max(this.read.length, this.write.length)
    if (chars > EXPRESSION_CHARS_MAX) {
      throw new QuorateError(
        'QUORATE_LIMIT',
        `written out, this quorum system has ${chars} characters, more than ${EXPRESSION_CHARS_MAX}: name fewer sets`,
      )
    }
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

  /** Reads and writes exchanged. */
  get exchanged(): QuorumSystem {
    return new QuorumSystem({ reads: this.writes, writes: this.reads, unchecked: true })
  }

  toJSON(): { readonly read: string; readonly write: string; readonly nodes: readonly string[] } {
    return { read: this.read, write: this.write, nodes: this.nodes }
  }
}
