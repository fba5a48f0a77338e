/**
 * Links between processes: what is cut is held and comes later, what is slowed comes in order, and memory is bounded.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Links } from '../../src/cli/links.ts'
import { until } from '../cli/harness.ts'

let server: Server
let links: Links
let got: string
let ended: number
const served: Socket[] = []

beforeEach(async () => {
  got = ''
  ended = 0
  server = createServer((socket) => {
    served.push(socket)
    socket.on('data', (bytes: Buffer) => (got += bytes.toString()))
    socket.on('error', () => {})
    socket.on('end', () => ended++)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  links = new Links([
    { id: 'a', port: 1 },
    { id: 'b', port },
  ])
  await links.listen()
})

afterEach(async () => {
  links.close()
  for (const socket of served.splice(0)) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

async function dial(): Promise<Socket> {
  const { port } = new URL(links.urlFor('a', 'b').replace('ws:', 'http:'))
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

const heldBytes = (): number => links.status.find(({ from }) => from === 'a')?.heldBytes ?? 0
const both = { isCut: true, delayMs: 0 }
const open = { isCut: false, delayMs: 0 }

test('links: what is sent while a way is cut is held, and comes whole and in order once it is open', async () => {
  const socket = await dial()
  socket.write('one ')
  await until(() => got === 'one ')
  links.set('a', 'b', both)
  socket.write('two ')
  socket.write('three')
  await until(() => heldBytes() === 9)
  expect(got).toBe('one ')
  links.set('a', 'b', open)
  await until(() => got === 'one two three')
  expect(heldBytes()).toBe(0)
  socket.destroy()
})

test('links: a way is cut without the one back', async () => {
  const socket = await dial()
  let back = ''
  socket.on('data', (bytes: Buffer) => (back += bytes.toString()))
  await until(() => served.length === 1)
  links.set('a', 'b', both)
  socket.write('there')
  served[0]?.write('back')
  await until(() => back === 'back')
  expect(got).toBe('')
  socket.destroy()
})

test('links: that a connection ended is not told through a cut, and is told once it is mended', async () => {
  const socket = await dial()
  await until(() => served.length === 1)
  links.partition([['a'], ['b']])
  socket.write('last words')
  await until(() => heldBytes() === 10)
  socket.end()
  await new Promise((resolve) => socket.once('finish', resolve))
  expect(ended).toBe(0)
  links.heal()
  await until(() => ended === 1)
  expect(got).toBe('last words')
})

test('links: a slow way takes its time and keeps the order', async () => {
  links.set('a', 'b', { isCut: false, delayMs: 150 })
  const socket = await dial()
  const startedAtMs = performance.now()
  for (let i = 0; i < 10; i++) socket.write(String(i))
  await until(() => got === '0123456789')
  // Node counts timers in whole milliseconds.
  expect(performance.now() - startedAtMs).toBeGreaterThan(148)
  socket.destroy()
})

test('links: a sender that does not stop at a cut fills its own buffers, not this process', async () => {
  const socket = await dial()
  links.set('a', 'b', both)
  const chunk = Buffer.alloc(1 << 16)
  for (let i = 0; i < 512; i++) socket.write(chunk)
  await until(() => heldBytes() > 1 << 20)
  expect(heldBytes()).toBeLessThan(2 << 20)
  expect(socket.writableLength).toBeGreaterThan(1 << 20)
  links.set('a', 'b', open)
  await until(() => got.length === 512 << 16)
  socket.destroy()
})

test('links: one that there is not is a clear error', () => {
  expect(() => links.set('a', 'z', open)).toThrow('there is no link from "a" to "z"')
})
