/** What a process makes of the states of single replicas: quorum lost and regained, links that seem broken. */
import { describe, expect, test } from 'vitest'
import type { Reachability } from '../../../src/core/notice.ts'
import { Outlook } from '../../../src/core/placement/outlook.ts'

/** What is told when the states change so, one after the other. */
function told(...changes: Reachability[][]): unknown[] {
  const outlook = new Outlook(['a', 'b', 'c'])
  return changes.map((states) => outlook.look(states))
}

describe('outlook', () => {
  test('a start: a quorum is told once it is there, and nothing is broken that never worked', () => {
    expect(told(['reachable', 'unreachable', 'unreachable'], ['reachable', 'reachable', 'one-way'])).toEqual([
      [],
      [{ kind: 'quorum', state: 'regained', reached: 2, members: 3 }],
    ])
  })

  test('a partition: names the links, and the one-way link as such, and is taken back', () => {
    const [, ...rest] = told(
      ['reachable', 'reachable', 'late'],
      ['reachable', 'one-way', 'late'],
      ['reachable', 'one-way', 'unreachable'],
      ['reachable', 'reachable', 'reachable'],
    )
    const there = { replica: 'b', broken: 'there' }
    expect(rest).toEqual([
      [{ kind: 'partition', links: [there] }],
      [
        { kind: 'quorum', state: 'lost', reached: 1, members: 3 },
        { kind: 'partition', links: [there, { replica: 'c', broken: 'both' }] },
      ],
      [
        { kind: 'quorum', state: 'regained', reached: 3, members: 3 },
        { kind: 'partition', links: [] },
      ],
    ])
  })

  test('a state that changes within what works: is not told', () => {
    const [, second] = told(['reachable', 'reachable', 'reachable'], ['reachable', 'late', 'reachable'])
    expect(second).toEqual([])
  })
})
