/**
 * Minting, merging and joining: what causality costs a put and a read.
 */
import { joinContexts, withDot } from '../../src/core/causality/causal-context.ts'
import { deltaOf, EMPTY_RECORD, mergeAt, mergeDotted, mint } from '../../src/core/causality/dotted-record.ts'
import { digestOf, mergeRecords } from '../../src/core/causality/merge.ts'
import { ACTOR, AT, LWW, OP, SETTLED, VALUE, type Task } from './tasks.ts'

const BLIND = { op: OP + 1, at: AT + 1, value: VALUE, context: EMPTY_RECORD.context }
const INFORMED = { ...BLIND, context: SETTLED.context }
const DELTA = mint(SETTLED, ACTOR, INFORMED)
const CONCURRENT = mint(SETTLED, ACTOR, { ...BLIND, op: OP + 2 })
const CONFLICT = mergeDotted(SETTLED, CONCURRENT)
/** Who minted the sibling of `SETTLED`. */
const HOME = SETTLED.siblings[0].actor
const NEXT_DOT = { actor: ACTOR, counter: 41 }
const NEWER_LWW = { ...LWW, at: AT + 1 }

export const causalityTasks: readonly Task[] = [
  { name: 'mint, first write of a key', run: () => mint(EMPTY_RECORD, ACTOR, BLIND) },
  { name: 'mint, overwriting one sibling', run: () => mint(SETTLED, ACTOR, INFORMED) },
  { name: 'delta of a known dot', run: () => deltaOf(INFORMED, NEXT_DOT) },
  { name: 'merge a delta that overwrites', run: () => mergeDotted(SETTLED, DELTA) },
  {
    name: 'merge a delta that overwrites, at the home of what it replaces',
    run: () => mergeAt(HOME, SETTLED, DELTA),
  },
  { name: 'merge a concurrent delta', run: () => mergeDotted(SETTLED, CONCURRENT) },
  { name: 'merge two siblings with one', run: () => mergeDotted(CONFLICT, DELTA) },
  { name: 'merge lww', run: () => mergeRecords(LWW, NEWER_LWW) },
  { name: 'join contexts of three actors', run: () => joinContexts(SETTLED.context, DELTA.context) },
  { name: 'add a dot to a context', run: () => withDot(SETTLED.context, NEXT_DOT) },
  { name: 'digest, siblings', run: () => digestOf(SETTLED) },
  { name: 'digest, lww', run: () => digestOf(LWW) },
]
