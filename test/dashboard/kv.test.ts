/**
 * Keys over HTTP: what is written is read, contexts travel both ways, and every mistake has its own answer.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, put, serveCluster, SOME_TEXT, type Served } from './harness.ts'

let served: Served
let kv: string

beforeAll(async () => {
  served = await serveCluster()
  kv = `${served.http.url}/kv`
})

afterAll(() => served.close())

const CONTEXT = 'x-quorate-context'

describe('a key', () => {
  test('a value that was put is read back, by fetch as by anything else', async () => {
    const written = await fetch(`${kv}/carts/alice`, { method: 'PUT', body: '["milk","tea"]' })
    expect(written.status).toBe(200)
    expect(await written.json()).toMatchObject({ context: SOME_TEXT, receipt: { reached: 2, strict: true } })
    const read = await fetch(`${kv}/carts/alice`)
    expect(read.status).toBe(200)
    expect(read.headers.get('content-type')).toBe('application/json')
    const entry = (await read.json()) as { context: string }
    expect(entry).toMatchObject({ found: true, conflict: false, value: ['milk', 'tea'], siblings: [['milk', 'tea']] })
    expect(entry).toMatchObject({ receipt: { level: '2', strict: true } })
    expect(read.headers.get(CONTEXT)).toBe(entry.context)
  })

  test('every JSON value survives, null and false among them', async () => {
    for (const value of [
      null,
      false,
      0,
      '',
      'text',
      [],
      {},
      { a: [1, { b: null }] },
      'ünï🜁',
      1e300,
      'x'.repeat(5_000),
    ]) {
      await put(`${kv}/any/${encodeURIComponent(JSON.stringify(value).slice(0, 40))}`, value)
      const { json } = await ask(`${kv}/any/${encodeURIComponent(JSON.stringify(value).slice(0, 40))}`)
      expect(json).toMatchObject({ found: true, value })
    }
  })

  test('a key may hold slashes, spaces, dots and any letter, percent-encoded', async () => {
    for (const key of ['a/b', 'a b', '..', '.', 'ü', '🜁', '%', '?x=1', '__proto__', 'constructor', '+']) {
      expect((await put(`${kv}/odd/${encodeURIComponent(key)}`, key)).status).toBe(200)
      expect((await ask(`${kv}/odd/${encodeURIComponent(key)}`)).json).toMatchObject({ found: true, value: key })
    }
  })

  test('HEAD says what GET says, without the body', async () => {
    await put(`${kv}/carts/head`, 1)
    const head = await ask(`${kv}/carts/head`, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers[CONTEXT]).toBeDefined()
    expect((await ask(`${kv}/carts/none`, { method: 'HEAD' })).status).toBe(404)
  })

  test('not found says why: never written, deleted, or no such keyspace', async () => {
    await put(`${kv}/why/gone`, 1)
    expect((await ask(`${kv}/why/gone`, { method: 'DELETE' })).status).toBe(200)
    const expected = { status: 404, json: { found: false, conflict: false, siblings: [] } }
    expect(await ask(`${kv}/why/never`)).toMatchObject({
      ...expected,
      json: { reason: 'never-written', deleted: false },
    })
    expect(await ask(`${kv}/why/gone`)).toMatchObject({ ...expected, json: { reason: 'deleted', deleted: true } })
    expect(await ask(`${kv}/nowhere/x`)).toMatchObject({ ...expected, json: { reason: 'no-such-keyspace' } })
  })

  test('reading, listing and deleting register nothing, a PUT does', async () => {
    await ask(`${kv}/made/x`)
    await ask(`${kv}/made`)
    await ask(`${kv}/made/x`, { method: 'DELETE' })
    expect(await served.cluster.store.registered('made')).toBeUndefined()
    await put(`${kv}/made/x`, 1)
    expect(await served.cluster.store.registered('made')).toMatchObject({ n: 3, conflicts: 'siblings' })
  })

  test('a keyspace is adopted as the cluster has it', async () => {
    const registered = served.cluster.store.keyspace('stamped', { mode: 'ap', conflicts: 'lww' })
    await registered.put('x', 1)
    await put(`${kv}/stamped/x`, 2)
    await put(`${kv}/stamped/x`, 3)
    expect((await ask(`${kv}/stamped/x`)).json).toMatchObject({ value: 3, conflict: false })
  })
})

describe('contexts', () => {
  test('blind writes make siblings, which GET shows with 200; their context makes one of them', async () => {
    await put(`${kv}/carts/sib`, 'a')
    await put(`${kv}/carts/sib`, 'b')
    const { status, json, headers } = await ask(`${kv}/carts/sib`)
    expect({ status, json }).toMatchObject({ status: 200, json: { found: true, conflict: true } })
    expect([...((json?.['siblings'] ?? []) as string[])].toSorted()).toEqual(['a', 'b'])
    expect(json).not.toHaveProperty('value')
    await put(`${kv}/carts/sib`, 'ab', { [CONTEXT]: String(headers[CONTEXT]) })
    expect((await ask(`${kv}/carts/sib`)).json).toMatchObject({ conflict: false, value: 'ab' })
  })

  test('the context of a PUT covers that write', async () => {
    const first = await put(`${kv}/carts/chain`, 1)
    await put(`${kv}/carts/chain`, 2, { [CONTEXT]: String(first.headers[CONTEXT]) })
    expect((await ask(`${kv}/carts/chain`)).json).toMatchObject({ conflict: false, value: 2 })
  })

  test('DELETE with an old context leaves what it did not see; without one it deletes what is there', async () => {
    const seen = await put(`${kv}/carts/del`, 'seen')
    await put(`${kv}/carts/del`, 'unseen')
    await ask(`${kv}/carts/del`, { method: 'DELETE', headers: { [CONTEXT]: String(seen.headers[CONTEXT]) } })
    expect((await ask(`${kv}/carts/del`)).json).toMatchObject({ found: true, value: 'unseen' })
    await ask(`${kv}/carts/del`, { method: 'DELETE' })
    expect((await ask(`${kv}/carts/del`)).json).toMatchObject({ found: false, deleted: true })
  })

  test('a retry with the same operation makes no second sibling', async () => {
    const operation = await served.cluster.store.keyspace('carts').operation('again')
    const headers = { 'x-quorate-operation': operation }
    await put(`${kv}/carts/again`, 'once', headers)
    await put(`${kv}/carts/again`, 'once', headers)
    expect((await ask(`${kv}/carts/again`)).json).toMatchObject({ conflict: false, value: 'once' })
  })
})

describe('scan', () => {
  test('pages follow each other in key order, and the last has no next', async () => {
    const keys = Array.from({ length: 7 }, (_, index) => `k${index}`)
    await Promise.all([...keys, 'other'].map((key) => put(`${kv}/list/${key}`, key)))
    const seen: string[] = []
    let after = ''
    for (;;) {
      const { status, json } = await ask(`${kv}/list?prefix=k&limit=3&after=${after}`)
      expect(status).toBe(200)
      const page = json as { entries: { key: string; value: string }[]; next?: string }
      seen.push(...page.entries.map(({ key, value }) => (expect(value).toBe(key), key)))
      if (page.next === undefined) break
      after = page.next
    }
    expect(seen).toEqual(keys)
  })

  test('a page that grows too large ends early, and nothing is lost', async () => {
    const small = await serveCluster({ answerBytesMax: 2_000 })
    try {
      const url = `${small.http.url}/kv/large`
      for (let i = 0; i < 6; i++) await put(`${url}/k${i}`, 'x'.repeat(900))
      const first = (await ask(url)).json as { entries: unknown[]; next: string }
      expect(first.entries.length).toBeLessThan(6)
      const rest = (await ask(`${url}?after=${first.next}&limit=1`)).json as { entries: { key: string }[] }
      expect(rest.entries[0]?.key).toBe(`k${first.entries.length}`)
    } finally {
      await small.close()
    }
  })
})

describe('mistakes', () => {
  beforeAll(async () => void (await put(`${kv}/carts/x`, 1)))

  test.for([
    ['half an expression', 'GET', 'carts/x?level=a%20and', 400, 'QUORATE_INVALID_OPTION'],
    ['an unknown level', 'GET', 'carts/x?level=most', 400, 'QUORATE_INVALID_OPTION'],
    ['a level above n', 'GET', 'carts/x?level=4', 400, 'QUORATE_INVALID_OPTION'],
    ['level 0', 'GET', 'carts/x?level=0', 400, 'QUORATE_INVALID_OPTION'],
    ['a misspelt query', 'GET', 'carts/x?levle=one', 400, 'QUORATE_INVALID_OPTION'],
    ['a query of another page', 'GET', 'carts/x?limit=1', 400, 'QUORATE_INVALID_OPTION'],
    ['a query given twice', 'GET', 'carts/x?level=1&level=2', 400, 'QUORATE_INVALID_OPTION'],
    ['a time that is none', 'GET', 'carts/x?timeoutMs=soon', 400, 'QUORATE_INVALID_OPTION'],
    ['a time beyond the bound', 'GET', 'carts/x?timeoutMs=60001', 400, 'QUORATE_INVALID_OPTION'],
    ['a limit beyond the bound', 'GET', 'carts?limit=1001', 400, 'QUORATE_INVALID_OPTION'],
    ['bad percent-encoding in the key', 'GET', 'carts/%zz', 400, 'QUORATE_INVALID_OPTION'],
    ['half a character in the key', 'GET', 'carts/%C3', 400, 'QUORATE_INVALID_OPTION'],
    ['bad percent-encoding in the query', 'GET', 'carts/x?level=%', 400, 'QUORATE_INVALID_OPTION'],
    ['an empty key', 'GET', 'carts/', 400, 'QUORATE_INVALID_OPTION'],
    ['a slash in the key', 'GET', 'carts/a/b', 400, 'QUORATE_INVALID_OPTION'],
    ['a name that is no keyspace', 'GET', 'no%20keyspace/x', 400, 'QUORATE_INVALID_OPTION'],
    ['an empty body', 'PUT', 'carts/x', 400, 'QUORATE_INVALID_OPTION'],
    ['a key that is too long', 'GET', `carts/${'k'.repeat(1_025)}`, 413, 'QUORATE_LIMIT'],
    ['POST to a key', 'POST', 'carts/x', 405, 'QUORATE_INVALID_OPTION'],
    ['DELETE of a keyspace', 'DELETE', 'carts', 405, 'QUORATE_INVALID_OPTION'],
    ['nothing behind kv', 'GET', '', 400, 'QUORATE_INVALID_OPTION'],
  ] as const)('%s is refused', async ([, method, path, status, code]) => {
    const said = await ask(`${kv}/${path}`, { method })
    expect(said.json).toMatchObject({ code, outcome: 'none', message: SOME_TEXT })
    expect(said.status).toBe(status)
  })

  test.for([
    ['what is not JSON', '{milk', 400, 'QUORATE_INVALID_OPTION'],
    ['what is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'QUORATE_INVALID_OPTION'],
    ['a value above the limit', JSON.stringify('x'.repeat(1_100_000)), 413, 'QUORATE_LIMIT'],
    ['a value that is nested too deeply', '['.repeat(100_000) + ']'.repeat(100_000), 400, 'QUORATE_INVALID_OPTION'],
  ] as const)('a body of %s is refused', async ([, body, status, code]) => {
    const said = await ask(`${kv}/carts/bad`, { method: 'PUT', body })
    expect(said).toMatchObject({ status, json: { code, outcome: 'none' } })
    expect((await ask(`${kv}/carts/bad`)).json).toMatchObject({ reason: 'never-written' })
  })

  test.for(['AAAA', 'not one!', 'x'.repeat(10_000)])('a context that is not one is refused: %.12s', async (context) => {
    const said = await put(`${kv}/carts/x`, 2, { [CONTEXT]: context })
    expect(said).toMatchObject({ status: 400, json: { code: 'QUORATE_INVALID_OPTION' } })
  })

  test('an operation that is not one is refused', async () => {
    const said = await put(`${kv}/carts/x`, 2, { 'x-quorate-operation': 'mine' })
    expect(said).toMatchObject({ status: 400, json: { code: 'QUORATE_INVALID_OPTION' } })
  })

  test('405 names the methods that are allowed', async () => {
    expect((await ask(`${kv}/carts/x`, { method: 'PATCH' })).headers.allow).toBe('GET, HEAD, PUT, DELETE')
    expect((await ask(`${kv}/carts`, { method: 'PUT' })).headers.allow).toBe('GET, HEAD')
    expect((await ask(`${served.http.url}/status`, { method: 'POST' })).headers.allow).toBe('GET, HEAD')
  })
})

describe('a register', () => {
  const accounts = (key: string, query = ''): string => `${kv}/accounts/${key}${query}`
  const send = (method: string, url: string, body?: unknown): Promise<Response> =>
    fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })

  test('put, get, compare-and-set, delete: each answers with the revision', async () => {
    const first = await send('PUT', accounts('bob', '?mode=cp&ifRevision=0'), { balance: 10 })
    expect([first.status, first.headers.get('x-quorate-revision')]).toEqual([200, '1'])
    expect(await (await fetch(accounts('bob'))).json()).toMatchObject({
      found: true,
      value: { balance: 10 },
      revision: 1,
      receipt: { level: 'linearizable', strict: true },
    })
    expect((await send('PUT', accounts('bob', '?ifRevision=1'), { balance: 20 })).status).toBe(200)
    const late = await send('PUT', accounts('bob', '?ifRevision=1'), { balance: 30 })
    expect(late.status).toBe(409)
    expect(await late.json()).toMatchObject({
      code: 'QUORATE_CONDITION_FAILED',
      outcome: 'none',
      current: { value: { balance: 20 }, revision: 2 },
    })
    expect((await send('DELETE', accounts('bob', '?ifRevision=2'))).status).toBe(200)
    const gone = await fetch(accounts('bob'))
    expect([gone.status, gone.headers.get('x-quorate-revision')]).toEqual([404, '0'])
    expect(await gone.json()).toMatchObject({ reason: 'no-such-key', found: false, revision: 0 })
  })

  test('a list: has the keys that exist, page by page', async () => {
    for (const key of ['a', 'b', 'c']) await send('PUT', `${kv}/listed/${key}?mode=cp`, key)
    expect(await (await fetch(`${kv}/listed?limit=2`)).json()).toEqual({
      entries: [
        { key: 'a', found: true, value: 'a', revision: 1 },
        { key: 'b', found: true, value: 'b', revision: 1 },
      ],
      next: 'b',
    })
  })

  test.for([
    ['a level of AP keys', 'GET', '?level=one', {}],
    ['a revision that is none', 'PUT', '?ifRevision=x', {}],
    ['a mode that is none', 'PUT', '?mode=quick', {}],
    ['a level', 'PUT', '?level=all', {}],
    ['a context', 'PUT', '', { [CONTEXT]: 'AQIA' }],
    ['an operation that is none', 'PUT', '', { 'x-quorate-operation': 'nonsense' }],
  ] as const)('%s: is refused', async ([, method, query, headers]) => {
    await send('PUT', accounts('alice', '?mode=cp'), 1)
    const body = method === 'PUT' ? { body: '2' } : {}
    const answer = await fetch(accounts('alice', query), { method, headers, ...body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'QUORATE_INVALID_OPTION', outcome: 'none' })
  })

  test('the mode of another keyspace: is a mismatch', async () => {
    await put(`${kv}/plain/x`, 1)
    const answer = await send('PUT', `${kv}/plain/x?mode=cp`, 1)
    expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'QUORATE_KEYSPACE_MISMATCH' }])
  })
})
