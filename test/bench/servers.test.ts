/** Programs of others that do not start, or do not answer. */
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runningServers, Server, within } from '../../bench/peers/server.ts'
import { throughput } from '../../bench/load.ts'

function serverThat(script: string): Server {
  return new Server(process.execPath, ['-e', script], { name: 'fake', cwd: tmpdir() })
}

const never = (): Promise<never> => Promise.reject(new Error('not yet'))

describe('servers', () => {
  it('one that ends by itself: is told with its last words', async () => {
    const server = serverThat('console.error("no luck"); process.exit(1)')
    await expect(server.until(never)).rejects.toThrow('fake did not start: ended by code 1: no luck')
    expect(runningServers()).not.toContain(server)
  })

  it('a program that is none: is told', async () => {
    const server = new Server('/nowhere/at-all', [], { name: 'fake', cwd: tmpdir() })
    await expect(server.until(never)).rejects.toThrow('fake did not start: spawn /nowhere/at-all ENOENT')
    expect(runningServers()).not.toContain(server)
  })

  it('one that runs: is among the running until it is stopped', async () => {
    const server = serverThat('setInterval(() => {}, 1000)')
    expect(runningServers()).toContain(server)
    await server.stop()
    expect(runningServers()).not.toContain(server)
  })

  it('an attempt that never ends: fails in time', async () => {
    await expect(within(20, () => new Promise(() => {}))).rejects.toThrow('no answer in 20 ms')
    await expect(within(60_000, async () => 7)).resolves.toBe(7)
  })
})

describe('load', () => {
  it('a call that fails: ends the others, and the load with its error', async () => {
    let calls = 0
    const operation = async (worker: number): Promise<void> => {
      calls++
      await new Promise((resolve) => setImmediate(resolve))
      if (worker === 0 && calls > 50) throw new Error('gone')
    }
    await expect(throughput(operation, { inFlight: 4, warmMs: 0, forMs: 60_000 })).rejects.toThrow('gone')
    await new Promise((resolve) => setTimeout(resolve, 20))
    const then = calls
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls).toBe(then)
  })
})
