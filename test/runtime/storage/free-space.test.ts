import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { FreeSpace } from '../../../src/runtime/storage/free-space.ts'

describe('free space', () => {
  it('a disk that fills up and is cleared: is low for as long as it is below the reserve, looked at once a second', () => {
    let nowMs = 0
    let free = 100
    let looks = 0
    const freeBytes = (): number => {
      looks++
      return free
    }
    const space = new FreeSpace({ directory: '/data', reserveBytes: 50, freeBytes, nowMs: () => nowMs })
    expect(space.low).toBe(false)
    free = 49
    nowMs = 999
    expect(space.low).toBe(false)
    nowMs = 1000
    expect(space.low).toBe(true)
    free = 50
    nowMs = 1999
    expect(space.low).toBe(true)
    nowMs = 2000
    expect(space.low).toBe(false)
    expect(looks).toBe(3)
  })

  it('a file system that does not tell: counts as roomy', () => {
    const directory = '/this/directory/is/not/there'
    expect(new FreeSpace({ directory, reserveBytes: Infinity }).low).toBe(false)
  })

  it('a real file system: has more than nothing and less than everything', () => {
    expect(new FreeSpace({ directory: tmpdir(), reserveBytes: 1 }).low).toBe(false)
    expect(new FreeSpace({ directory: tmpdir(), reserveBytes: Infinity }).low).toBe(true)
  })
})
