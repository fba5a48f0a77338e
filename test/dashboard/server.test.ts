/**
 * The HTTP side as a server: foreign pages are refused, garbage harms nobody, everything is bounded, closing ends it.
 */
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startHttp } from '../../src/dashboard/http-server.ts'
import { ask, bare, put, serveCluster, until, type Served } from './harness.ts'

describe('who may ask', () => {
  let served: Served
  beforeAll(async () => void (served = await serveCluster({}, { hostNames: ['store.example'] })))
  afterAll(() => served.close())

  test.for([
    ['the address', '127.0.0.1'],
    ['another address of the machine', '192.168.1.5:8080'],
    ['an IPv6 address', '[::1]:7100'],
    ['localhost', 'localhost:7100'],
    ['LOCALHOST', 'LOCALHOST'],
    ['a name that was told', 'store.example:7100'],
  ] as const)('Host with %s is served', async ([, host]) => {
    expect((await ask(`${served.http.url}/status`, { headers: { host } })).status).toBe(200)
  })

  test.for([
    ['a foreign name, as after DNS rebinding', 'evil.example'],
    ['a name that ends like ours', 'notlocalhost'],
    ['a name that begins like ours', 'localhost.evil.example'],
    ['an address with a tail', '127.0.0.1.evil.example'],
    ['garbage', '[::1'],
  ] as const)('Host with %s is refused', async ([, host]) => {
    const said = await ask(`${served.http.url}/kv/a/b`, { method: 'PUT', body: '1', headers: { host } })
    expect(said).toMatchObject({ status: 403, json: { code: 'QUORATE_UNAUTHORIZED', outcome: 'none' } })
    expect(await served.cluster.store.registered('a')).toBeUndefined()
  })

  test('an empty Host is refused', async () => {
    expect(await bare(served.http.port, 'GET /status HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 403/,
    )
  })

  test.for([
    ['a foreign page', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a page on another port', { origin: 'http://127.0.0.1:3000' }],
    ['an image on a foreign page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
  ] as const)('a request of %s is refused', async ([, headers]) => {
    expect((await ask(`${served.http.url}/status`, { headers })).status).toBe(403)
    expect((await put(`${served.http.url}/kv/a/b`, 1, headers)).status).toBe(403)
  })

  test('our own page and links to us are served; a foreign form is not', async () => {
    const { url } = served.http
    const own = { origin: url, 'sec-fetch-site': 'same-origin' }
    expect((await put(`${url}/kv/own/x`, 1, own)).status).toBe(200)
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await ask(`${url}/`, { headers: link })).status).toBe(200)
    expect((await ask(`${url}/kv/own/x`, { method: 'DELETE', headers: link })).status).toBe(403)
  })

  test('answers are not to be cached, sniffed, framed or embedded', async () => {
    const { headers } = await ask(`${served.http.url}/`)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
  })

  test('the front page has commands for this very address', async () => {
    const { text } = await ask(`${served.http.url}/`)
    expect(text).toContain('3 of 3 replicas reachable')
    expect(text).toContain(`curl -X PUT ${served.http.url}/kv/carts/alice`)
  })

  test('what is not there is 404, and unknown queries are 400', async () => {
    expect(await ask(`${served.http.url}/favicon.ico`)).toMatchObject({ status: 404, json: { outcome: 'none' } })
    expect((await ask(`${served.http.url}/status/x`)).status).toBe(404)
    expect((await ask(`${served.http.url}/status?pretty=1`)).status).toBe(400)
    expect(await bare(served.http.port, `GET http://127.0.0.1/status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400/,
    )
  })
})

describe('bounds', () => {
  let served: Served
  const sockets: Socket[] = []
  const open = async (limits: Parameters<typeof serveCluster>[0]): Promise<void> => {
    served = await serveCluster(limits)
  }
  const socketTo = (head: string): Socket => {
    const socket = connect(served.http.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(head)
    sockets.push(socket)
    return socket
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await served.close()
  })

  test.for([
    ['no HTTP at all', 'GARBAGE\r\n\r\n', 400],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n', 400],
    ['no Host', 'GET /status HTTP/1.1\r\n\r\n', 400],
    ['two lengths', 'PUT /kv/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1', 400],
    ['a head without end', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
  ] as const)('%s is refused, and others are served', async ([, text, status]) => {
    await open({})
    expect(await bare(served.http.port, text)).toMatch(new RegExp(`^HTTP/1.1 ${status}`))
    expect((await ask(`${served.http.url}/status`)).status).toBe(200)
  })

  test('a head that does not end is given up', async () => {
    await open({ headMsMax: 200 })
    expect(await bare(served.http.port, 'GET /status HTTP/1.1\r\nHost: localh')).toMatch(/^HTTP\/1\.1 408/)
  })

  test('a body that does not end is given up', async () => {
    await open({ headMsMax: 200 })
    const head = 'PUT /kv/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n["milk'
    expect(await bare(served.http.port, head)).toMatch(/^HTTP\/1\.1 408/)
    expect((await ask(`${served.http.url}/kv/a/b`)).status).toBe(404)
  })

  test('a body above the limit is 413, whether its length is told or not', async () => {
    await open({ bodyBytesMax: 1_000 })
    const body = JSON.stringify('x'.repeat(5_000_000))
    const url = `${served.http.url}/kv/a/b`
    expect(await ask(url, { method: 'PUT', body })).toMatchObject({ status: 413, json: { code: 'QUORATE_LIMIT' } })
    const chunked = { 'transfer-encoding': 'chunked' }
    expect(await ask(url, { method: 'PUT', body, headers: chunked })).toMatchObject({ status: 413 })
    expect((await put(url, 'x'.repeat(900))).status).toBe(200)
  })

  test('bodies on their way in are bounded together', async () => {
    await open({ bodiesBytesMax: 2_000 })
    const head = 'PUT /kv/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n'
    const slow = socketTo(head + 'x'.repeat(1_500))
    const url = `${served.http.url}/kv/a/c`
    const large = (): Promise<{ status: number }> => put(url, 'x'.repeat(1_000))
    await until(async () => (await large()).status === 503)
    slow.destroy()
    await until(async () => (await large()).status !== 503)
    expect((await large()).status).toBe(200)
  })

  test('connections are bounded', async () => {
    await open({ connectionsMax: 4 })
    const held = Array.from({ length: 10 }, () => socketTo('GET /st'))
    await until(() => held.filter((socket) => socket.closed).length === 6)
    for (const socket of held) socket.destroy()
    const status = (): Promise<number> => ask(`${served.http.url}/status`).then((said) => said.status)
    await until(() =>
      status()
        .then(() => true)
        .catch(() => false),
    )
    expect(await status()).toBe(200)
  })
})

describe('opening and closing', () => {
  test('a port in use is one clear error', async () => {
    const served = await serveCluster()
    try {
      const again = startHttp({ store: served.cluster.store, port: served.http.port })
      await expect(again).rejects.toMatchObject({ code: 'QUORATE_INVALID_OPTION', message: /in use/ })
    } finally {
      await served.close()
    }
  })

  test.for([
    ['a port that is none', { port: 70_000 }],
    ['a limit that is none', { limits: { bodyBytesMax: 0 } }],
    ['a misspelt limit', { limits: { bodyMax: 1 } as object }],
  ] as const)('%s is refused', async ([, options]) => {
    const served = await serveCluster()
    try {
      const refused = startHttp({ store: served.cluster.store, ...options })
      await expect(refused).rejects.toMatchObject({ code: 'QUORATE_INVALID_OPTION' })
    } finally {
      await served.close()
    }
  })

  test('closing frees the port, ends streams, and is fine twice', async () => {
    const served = await serveCluster()
    const { url } = served.http
    const stream = await fetch(`${url}/events`)
    const ended = stream.text()
    await Promise.all([served.http.close(), served.http.close()])
    expect(await ended).toContain('retry: 1000')
    await expect(fetch(`${url}/status`)).rejects.toThrow('fetch failed')
    await served.close()
  })
})
