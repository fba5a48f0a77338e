/** What a leader remembers of operations that the table of a register's state has dropped. */
import { describe, expect, test } from 'vitest'
import { AppliedMemory } from '../../../src/core/consensus/applied-memory.ts'
import { decide, type Attempt } from '../../../src/core/consensus/change.ts'
import { UNWRITTEN, withChange } from '../../../src/core/consensus/register-state.ts'
import type { RegisterState } from '../../../src/core/record.ts'

const value = new Uint8Array([1])

/** So many changes of a register, each remembered by its leader. */
function changed(memory: AppliedMemory, from: RegisterState, ops: readonly number[]): RegisterState {
  let state = from
  for (const op of ops) {
    const by = { op, at: op }
    const next = withChange(state, value, by)
    memory.changed(state, next, [{ ...by, revision: next.revision }])
    state = next
  }
  return state
}

function retry(op: number, memory: Attempt['memory']): Attempt {
  const change = { kind: 'set', value, ifRevision: undefined } as const
  return { op, at: op, isRetry: true, proposed: undefined, change, memory }
}

const ops = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('what a leader has applied', () => {
  test('a retry after hundreds of changes: is found, and one that was never applied is known not to have been', () => {
    const memory = new AppliedMemory()
    const known = memory.of(() => 0)
    const state = changed(memory, UNWRITTEN, [...ops(1, 4), ...ops(6, 400)])
    expect(decide(state, retry(3, undefined)).verdict.kind).toBe('forgotten')
    expect(decide(state, retry(3, known)).verdict).toEqual({ kind: 'repeated', revision: 3 })
    expect(decide(state, retry(400, known)).verdict).toEqual({ kind: 'repeated', revision: 399 })
    expect(decide(state, retry(5, undefined)).verdict.kind).toBe('forgotten')
    expect(decide(state, retry(5, known)).verdict.kind).toBe('applied')
  })

  test('what was forgotten before the leader came, or while the key is not known: stays so', () => {
    const memory = new AppliedMemory()
    const before = changed(new AppliedMemory(), UNWRITTEN, ops(1, 200))
    const state = changed(memory, before, ops(201, 400))
    expect(
      decide(
        state,
        retry(
          10,
          memory.of(() => before.forgottenAt),
        ),
      ).verdict.kind,
    ).toBe('forgotten')
    expect(
      decide(
        state,
        retry(
          190,
          memory.of(() => before.forgottenAt),
        ),
      ).verdict.kind,
    ).toBe('repeated')
    expect(
      decide(
        state,
        retry(
          10.5,
          memory.of(() => undefined),
        ),
      ).verdict.kind,
    ).toBe('forgotten')
  })

  test('more operations than are remembered: the oldest are forgotten, and it is known that they are', () => {
    const memory = new AppliedMemory()
    const known = memory.of(() => 0)
    let state = UNWRITTEN
    state = changed(memory, state, ops(1, 70_000))
    expect(known.completeFrom).toBeGreaterThan(0)
    expect(decide(state, retry(1, known)).verdict.kind).toBe('forgotten')
    expect(decide(state, retry(69_000, known)).verdict).toEqual({ kind: 'repeated', revision: 69_000 })
    memory.clear()
    expect(known.revisionOf(69_000)).toBeUndefined()
  })
})
