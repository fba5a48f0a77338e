/** What only processes can show: a lock, a crash, and a disk that refuses. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { plain } from '../../contract/storage-model.ts'
import { CHILD_KEYSPACE, CHILD_PATH, childKey, childRecord } from './level-child.ts'
import { newDirectory, openIn } from './level-directories.ts'

const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

interface Child {
  readonly process: ChildProcess
  readonly lines: readonly string[]
  /** Resolves once it has said this many lines; rejects if it ends before. */
  readonly said: (count: number) => Promise<void>
  readonly ended: Promise<unknown>
}

const NODE = ['--import', 'tsx', CHILD_PATH] as const

function start(command: string, parameters: readonly string[]): Child {
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  reader.on('line', (line) => lines.push(line))
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')])
  const said = async (count: number): Promise<void> => {
    while (lines.length < count) {
      await Promise.race([once(reader, 'line'), ended])
      if (child.exitCode !== null || child.signalCode !== null) break
    }
    expect(lines.length).toBeGreaterThanOrEqual(count)
  }
  return { process: child, lines, said, ended }
}

/** The last write that was acknowledged under each key. */
function acknowledged(lines: readonly string[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const line of lines) {
    if (!/^\d+$/.test(line)) continue
    const count = Number(line)
    last.set(childKey(count), Math.max(count, last.get(childKey(count)) ?? 0))
  }
  return last
}

/** Every acknowledged write is there, or a later one under its key; whatever is there is whole. */
async function expectAll(directory: string, last: ReadonlyMap<string, number>): Promise<void> {
  const storage = await openIn(directory)
  for (const [key, count] of last) {
    const record = storage.read(CHILD_KEYSPACE, key)
    const found = record?.kind === 'lww' ? record.at : -1
    expect(found).toBeGreaterThanOrEqual(count)
    expect(plain(record)).toEqual(plain(childRecord(found)))
  }
  await storage.close()
}

describe('level storage in processes', () => {
  it('a directory that another process has open: is refused, and free once that process is gone', async () => {
    const directory = await newDirectory()
    const child = start(process.execPath, [...NODE, 'hold', directory])
    await child.said(1)
    await expect(openIn(directory)).rejects.toMatchObject({
      code: 'QUORATE_STORAGE',
      message: `The data directory ${directory} is in use by another process. Stop it, or name another directory.`,
    })
    child.process.kill('SIGKILL')
    await child.ended
    expect((await openIn(directory)).identity.incarnation).toBe(99)
  })

  it('a process killed at any moment, five times over: every acknowledged write is there', async () => {
    const directory = await newDirectory()
    const all: string[] = []
    for (let round = 0; round < 5; round++) {
      const child = start(process.execPath, [...NODE, 'write', directory, String(round * 1_000_000)])
      await child.said(2 + Math.floor(2000 * Math.random()))
      child.process.kill('SIGKILL')
      await child.ended
      all.push(...child.lines)
      expect(child.lines.length).toBeGreaterThan(1)
      await expectAll(directory, acknowledged(all))
    }
  }, 60_000)

  it.skipIf(process.platform === 'win32')(
    'a disk that refuses to grow: the failed batch is final, and every acknowledged write is there',
    async () => {
      const directory = await newDirectory()
      const limited = ['-c', 'ulimit -f 1000 && exec "$0" "$@"', process.execPath]
      const child = start('sh', [...limited, ...NODE, 'write', directory])
      await child.ended
      const { lines } = child
      expect(lines[0]).toBe('open')
      expect(lines.at(-4)).toMatch(/^commit QUORATE_STORAGE a write to disk failed, and nothing is written after it: /)
      expect(lines.slice(-3)).toEqual(['stage QUORATE_STORAGE', 'commit QUORATE_STORAGE', 'closed'])
      expect(child.process.exitCode).toBe(0)
      const last = acknowledged(lines)
      expect(last.size).toBeGreaterThan(100)
      await expectAll(directory, last)
    },
  )
})
