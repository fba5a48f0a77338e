/**
 * Every example is run as a program: it tells its story, and ends by checking it.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))
/** Programs that are driven by others, and have tests of their own. */
const DRIVEN = new Set(['maelstrom-node'])

const names = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !DRIVEN.has(entry.name))
  .map(({ name }) => name)

function run(name: string): Promise<{ readonly code: number | null; readonly said: string; readonly failed: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${EXAMPLES}${name}/main.ts`])
  let said = ''
  let failed = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said, failed })))
}

test.for(names)('example: %s tells its story and checks it', { timeout: 120_000 }, async (name) => {
  const { code, said, failed } = await run(name)
  expect({ code, failed }, said).toEqual({ code: 0, failed: '' })
  const lines = said.trim().split('\n')
  expect(lines.length).toBeGreaterThan(3)
  expect(lines.at(-1)).toMatch(/^checked: /)
})

test('examples: those that there should be are there', () => {
  const expected = [
    'billing',
    'cart',
    'config-service',
    'embed',
    'geo',
    'http-server',
    'nightly-job',
    'primary-failover',
  ]
  expect(names).toEqual(expect.arrayContaining(expected))
})
