/**
 * One run of a cell again, from its name and its seed: what broke in it, and where the history shows it.
 */
import { checkSessions } from '../../src/check/sessions.ts'
import { HistoryIndex } from '../../src/check/history-index.ts'
import { checkLinearizable } from '../../src/check/linearizable.ts'
import { checkNoLostWrites } from '../../src/check/lost-writes.ts'
import { printHistory } from '../../src/check/history-text.ts'
import { writeFile } from 'node:fs/promises'
import type { BenchOptions } from '../options.ts'
import { percent } from './cell-row.ts'
import { extraProfiles } from './part.ts'
import { play } from './run.ts'
import { cellNamed, nameOf } from './selection.ts'
import { brokenIn, Tally } from './tally.ts'
import { asApHistory, asRegisterHistory } from './translate.ts'

const SHOWN = 5

/** Text for people; with `--json` the history goes to that file, as lines that `quorate/check` reads. */
export async function replay(name: string, { seed, matrix, json }: BenchOptions): Promise<string> {
  const cell = cellNamed(name, await extraProfiles(matrix))
  const observed = play(cell, seed)
  const tally = new Tally(cell, seed)
  const broken = brokenIn(tally.add(seed, observed))
  const { calls, staleShare, versionsBehindMax } = tally.result()
  const ap = observed.isCp ? asApHistory(observed.history) : observed.history
  const index = new HistoryIndex(ap, { conflicts: observed.conflicts })
  const registers = observed.isCp ? observed.history : asRegisterHistory(observed.history)
  const order = registers === undefined ? [] : checkLinearizable(registers, { workMax: 500_000 }).violations
  const found = [...checkNoLostWrites(index).violations, ...checkSessions(index).violations, ...order]
  if (json !== undefined) await writeFile(json, printHistory(observed.history))
  const lines = [
    `${nameOf(cell)}, seed ${seed}: ${calls} calls, ${percent(staleShare)} of the reads stale, at most ${versionsBehindMax} versions behind`,
    `broke: ${broken.length === 0 ? 'nothing' : broken.join(', ')}`,
    ...found.slice(0, SHOWN).map(({ rule, key, message }) => `  ${rule}, ${key}: ${message}`),
    ...(found.length > SHOWN ? [`  and ${found.length - SHOWN} more`] : []),
  ]
  return `${lines.join('\n')}\n`
}
