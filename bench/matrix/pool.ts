/**
 * Processes that answer questions side by side, one for each core.
 */
import os from 'node:os'
import { Child } from '../child.ts'
import type { MatrixQuestion } from './cell-process.ts'

const PROCESSES_MAX = 8

/** Answers in the order of the questions. `began` is told of each question as it is asked. */
export async function askAll<Answer>(
  questions: readonly MatrixQuestion[],
  began: (at: number) => void,
): Promise<Answer[]> {
  const count = Math.min(PROCESSES_MAX, Math.max(1, os.availableParallelism()), questions.length)
  const children = Array.from({ length: count }, (_, index) => new Child('matrix/cell-process', `process ${index + 1}`))
  const answers: Answer[] = []
  let next = 0
  const work = async (child: Child): Promise<void> => {
    while (next < questions.length) {
      const at = next++
      began(at)
      answers[at] = (await child.ask(questions[at])) as Answer
    }
  }
  try {
    await Promise.all(children.map(work))
    return answers
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}
