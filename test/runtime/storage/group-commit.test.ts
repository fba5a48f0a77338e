import { describe, expect, it } from 'vitest'
import { GroupCommit, type Batch } from '../../../src/runtime/storage/group-commit.ts'

/** A disk whose batches wait until the test lets them land or fail. */
class SlowDisk {
  readonly log: string[] = []
  readonly #flying: { readonly land: () => void; readonly fail: (error: Error) => void }[] = []
  readonly commits: GroupCommit<string> = new GroupCommit({
    begin: () => this.#begin(),
    durable: (items) => this.log.push(`durable ${items.join(' ')}`),
  })

  put(key: string): void {
    this.commits.put(Buffer.from(key), Buffer.from('value'), key)
  }

  erase(key: string): void {
    this.commits.erase(Buffer.from(key), key)
  }

  commit(name: string): void {
    this.commits.commit((error) => this.log.push(error === undefined ? name : `${name} failed: ${error.message}`))
  }

  /** How many batches are being written. */
  get flying(): number {
    return this.#flying.length
  }

  async land(): Promise<void> {
    this.#flying.shift()?.land()
    await turn()
  }

  async fail(message: string): Promise<void> {
    this.#flying.shift()?.fail(new Error(message))
    await turn()
  }

  #begin(): Batch {
    const keys: string[] = []
    return {
      put: (key) => void keys.push(Buffer.from(key).toString()),
      del: (key) => void keys.push(`no ${Buffer.from(key).toString()}`),
      write: () => {
        this.log.push(`write ${keys.join(' ')}`)
        return new Promise<void>((land, fail) => void this.#flying.push({ land, fail }))
      },
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('group commit', () => {
  it('puts while a batch is on its way: share the next one, and only one is on its way', async () => {
    const disk = new SlowDisk()
    disk.put('a')
    disk.commit('commit a')
    for (const key of ['b', 'c', 'd']) {
      disk.put(key)
      disk.commit(`commit ${key}`)
      expect(disk.flying).toBe(1)
    }
    await disk.land()
    await disk.land()
    expect(disk.log).toEqual([
      'write a',
      'durable a',
      'write b c d',
      'commit a',
      'durable b c d',
      'commit b',
      'commit c',
      'commit d',
    ])
  })

  it('erasures: go with the puts around them, in order, and fail like them', async () => {
    const disk = new SlowDisk()
    disk.erase('a')
    disk.put('a')
    disk.erase('b')
    disk.commit('done')
    await disk.land()
    expect(disk.log).toEqual(['write no a a no b', 'durable a a b', 'done'])
    disk.erase('c')
    disk.commit('lost')
    await disk.fail('no space')
    expect(() => disk.erase('d')).toThrow(disk.commits.failure)
  })

  it('puts that nobody commits: wait, and go with the next commit', async () => {
    const disk = new SlowDisk()
    disk.put('a')
    disk.commit('first')
    disk.put('b')
    await disk.land()
    expect(disk.flying).toBe(0)
    disk.put('c')
    disk.commit('second')
    await disk.land()
    expect(disk.log).toEqual(['write a', 'durable a', 'first', 'write b c', 'durable b c', 'second'])
  })

  it('a commit with nothing new: waits for the batch on its way, or for nothing', async () => {
    const disk = new SlowDisk()
    disk.commit('empty')
    disk.put('a')
    disk.commit('first')
    disk.commit('second')
    expect(disk.log).toEqual(['empty', 'write a'])
    await disk.land()
    expect(disk.log).toEqual(['empty', 'write a', 'durable a', 'first', 'second'])
  })

  it('a put and a commit inside a callback: go with the batch after', async () => {
    const disk = new SlowDisk()
    disk.put('a')
    disk.commits.commit(() => {
      disk.put('b')
      disk.commit('inner')
    })
    await disk.land()
    await disk.land()
    expect(disk.log).toEqual(['write a', 'durable a', 'write b', 'durable b', 'inner'])
  })

  it('a failed batch: is final for its callers, for those that wait, and for all that come', async () => {
    const disk = new SlowDisk()
    disk.put('a')
    disk.commit('first')
    disk.put('b')
    disk.commit('second')
    await disk.fail('no space')
    const failed = 'failed: a write to disk failed, and nothing is written after it: no space'
    expect(disk.log).toEqual(['write a', `first ${failed}`, `second ${failed}`])
    expect(disk.flying).toBe(0)
    expect(disk.commits.failure).toMatchObject({ code: 'QUORATE_STORAGE', outcome: 'unknown', retry: 'no' })
    expect(() => disk.put('c')).toThrow(disk.commits.failure)
    disk.commit('third')
    expect(disk.log.slice(3)).toEqual([`third ${failed}`])
  })
})
