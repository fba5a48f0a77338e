/**
 * Which of the messages in a process are for its coordinator.
 */
import type { Answer, LocalAnswer, LocalMessage } from '../core/message.ts'

const ANSWERS: ReadonlySet<LocalMessage['kind']> = new Set<(Answer | LocalAnswer)['kind']>([
  'read-answer',
  'written',
  'minted',
  'promised',
  'accepted',
  'preempted',
  'outdated',
  'told',
  'scan-page',
  'opened',
  'refused',
  'pong',
  'hinted',
  'ruled',
  'stuck',
  'submitted',
  'led',
])

export function isAnswer(message: LocalMessage): message is Answer | LocalAnswer {
  return ANSWERS.has(message.kind)
}
