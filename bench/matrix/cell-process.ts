/**
 * A process that plays cells of the matrix, so that every core plays some.
 */
import { answerQuestions } from '../child.ts'
import { legTrials, type LegTrials } from './freshness.ts'
import type { Profile } from './profiles.ts'
import { play } from './run.ts'
import { cellNamed } from './selection.ts'
import { Tally, type CellResult } from './tally.ts'

export interface CellQuestion {
  readonly kind: 'cell'
  /** As `nameOf` gives it. */
  readonly name: string
  /** A profile from a file, where the cell has one. */
  readonly extra: readonly Profile[]
  readonly firstSeed: number
  readonly runs: number
}

export type MatrixQuestion = CellQuestion | ({ readonly kind: 'freshness' } & LegTrials)

export function playCell({ name, extra, firstSeed, runs }: Omit<CellQuestion, 'kind'>): CellResult {
  const cell = cellNamed(name, extra)
  const tally = new Tally(cell, firstSeed)
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) tally.add(seed, play(cell, seed))
  return tally.result()
}

answerQuestions(
  async (asked) => {
    const question = asked as MatrixQuestion
    return question.kind === 'cell' ? playCell(question) : legTrials(question)
  },
  async () => {},
)
