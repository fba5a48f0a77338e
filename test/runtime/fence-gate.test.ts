/** The gate before an outside resource: what it lets pass, what it refuses and by which code, and what it keeps. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { FenceGate, fileFences, MemoryFences, type FenceStorage } from '../../src/index.ts'
import type { QuorateError } from '../../src/core/base/errors.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'quorate-fences-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function codeOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as QuorateError).code
  }
}

describe('a gate', () => {
  test('the 42/43 story: the late holder of 42 is refused once 43 was seen', () => {
    const gate = new FenceGate(new MemoryFences())
    gate.check('report', 42)
    gate.check('report', 43)
    gate.check('report', 43)
    expect(codeOf(() => gate.check('report', 42))).toBe('QUORATE_FENCED')
    expect(gate.highest('report')).toBe(43)
    expect([codeOf(() => gate.check('another', 1)), gate.highest('never seen')]).toEqual([undefined, 0])
  })

  test.for([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '7', undefined, null])(
    '%s for a token: is refused, and changes nothing',
    (token) => {
      const gate = new FenceGate(new MemoryFences())
      gate.check('report', 7)
      expect(codeOf(() => gate.check('report', token as number))).toBe('QUORATE_INVALID_OPTION')
      expect(gate.highest('report')).toBe(7)
    },
  )

  test('a token from the future: is refused, so that it cannot lock out all that come', () => {
    const gate = new FenceGate(new MemoryFences())
    gate.check('report', 7)
    expect(codeOf(() => gate.check('report', 2 ** 50))).toBe('QUORATE_LIMIT')
    expect(codeOf(() => gate.check('report', 8))).toBeUndefined()
  })

  test('a storage that fails: nothing passes', () => {
    const write = (): void => {
      throw new Error('no room')
    }
    const gate = new FenceGate({ read: () => 1, write })
    expect(() => gate.check('report', 2)).toThrow('no room')
    expect(() => gate.check('report', 1)).not.toThrow()
  })

  test('what is no storage, or no name: is refused', () => {
    expect(codeOf(() => new FenceGate({} as FenceStorage))).toBe('QUORATE_INVALID_OPTION')
    expect(codeOf(() => new FenceGate(new MemoryFences()).check('', 1))).toBe('QUORATE_INVALID_OPTION')
  })
})

describe('tokens in a file', () => {
  test('opened again: it knows the highest, whatever names look like', () => {
    const file = path.join(folder, 'tokens')
    const first = fileFences(file)
    const gate = new FenceGate(first)
    for (const resource of ['report', '__proto__', 'two\nlines']) gate.check(resource, 5)
    gate.check('report', 9)
    first.close()
    const again = new FenceGate(fileFences(file))
    expect(['report', '__proto__', 'two\nlines'].map((resource) => again.highest(resource))).toEqual([9, 5, 5])
    expect(codeOf(() => again.check('report', 8))).toBe('QUORATE_FENCED')
  })

  test('a torn last line: is dropped, and the next token is on a line of its own', () => {
    const file = path.join(folder, 'torn')
    writeFileSync(file, '["report",3]\n["report",4')
    const storage = fileFences(file)
    expect(storage.read('report')).toBe(3)
    storage.write('report', 5)
    storage.close()
    expect(fileFences(file).read('report')).toBe(5)
  })

  test('many tokens: the file is written anew and knows the same', () => {
    const file = path.join(folder, 'many')
    const storage = fileFences(file)
    for (let token = 1; token <= 1_100; token++) storage.write(token % 2 === 0 ? 'even' : 'odd', token)
    storage.close()
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(200)
    const again = fileFences(file)
    expect([again.read('even'), again.read('odd')]).toEqual([1_100, 1_099])
  })

  test('a file of something else, or a closed one: is refused', () => {
    const file = path.join(folder, 'damaged')
    writeFileSync(file, 'no tokens\n')
    expect(codeOf(() => fileFences(file))).toBe('QUORATE_STORAGE')
    expect(codeOf(() => fileFences(path.join(folder, 'none', 'x')))).toBe('QUORATE_STORAGE')
    const closed = fileFences(path.join(folder, 'closed'))
    closed.close()
    expect(codeOf(() => closed.write('report', 1))).toBe('QUORATE_STORAGE')
    appendFileSync(path.join(folder, 'closed'), '{}\n')
    expect(codeOf(() => fileFences(path.join(folder, 'closed')))).toBe('QUORATE_STORAGE')
  })
})
