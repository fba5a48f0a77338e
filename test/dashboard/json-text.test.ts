/**
 * Values that JSON has no word for are shown all the same.
 */
import { expect, test } from 'vitest'
import { jsonText } from '../../src/dashboard/json-text.ts'
import { serveCluster } from './harness.ts'

test.for([
  ['a big integer', 2n ** 80n, '"1208925819614629174706176"'],
  ['bytes', new Uint8Array([1, 2, 255]), '"AQL/"'],
  ['a buffer, which spells itself out', Buffer.from('hi'), '"aGk="'],
  ['a set', new Set(['a', 1]), '["a",1]'],
  ['a map', new Map([['a', 1]]), '{"a":1}'],
  ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['what is in them', { list: [1n, new Set([new Uint8Array([0])])] }, '{"list":["1",["AA=="]]}'],
  ['nothing', undefined, 'null'],
  ['plain data', { a: [null, true, 'x'] }, '{"a":[null,true,"x"]}'],
] as const)('jsonText: %s', ([, value, text]) => {
  expect(jsonText(value)).toBe(text)
})

test('jsonText: over HTTP, a value that an application stored as more than JSON is shown', async () => {
  const { cluster, http, close } = await serveCluster()
  try {
    await cluster.store.keyspace('rich').put('x', { big: 7n, bytes: new Uint8Array([1]) })
    const response = await fetch(`${http.url}/kv/rich/x`)
    expect(await response.json()).toMatchObject({ value: { big: '7', bytes: 'AQ==' } })
    const scan = await fetch(`${http.url}/kv/rich`)
    expect(await scan.json()).toMatchObject({ entries: [{ key: 'x', value: { big: '7' } }] })
  } finally {
    await close()
  }
})
