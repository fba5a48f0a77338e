/**
 * `quorate/quorum`: quorum systems, the proof that reads meet writes, and what they cost and survive.
 */
export type { Expression, Name, Part, Threshold } from '../core/quorum/expression.ts'
export { parseQuorums, type QuorumsText } from './parse-quorums.ts'
export { QuorumSystem, type QuorumSystemOptions } from './quorum-system.ts'
