/**
 * A cell as a line of a table.
 */
import { span, type Row } from '../section.ts'
import type { CellResult, LatencySummary } from './tally.ts'

export function cellColumns(cells: readonly CellResult[]): string[] {
  return [
    'setting',
    'read p50',
    'p99',
    'p99.9',
    'write p50',
    'p99',
    'p99.9',
    'stale',
    'k mean, max',
    't p50, max',
    'back',
    'lost',
    'overwritten',
    'siblings',
    'order',
    'unanswered',
    ...(hasRecovery(cells) ? ['heals in'] : []),
    'broke: first seed',
  ]
}

export function cellRow(cell: CellResult, isHealing = cell.recoveryMs !== undefined): Row {
  const { versionsBehindMean, versionsBehindMax, behindP50Ms, behindMaxMs, siblingReadShare, siblingsMax } = cell
  const isStale = cell.staleShare > 0
  return {
    name: cell.setting,
    cells: [
      ...latencies(cell.read),
      ...latencies(cell.write),
      percent(cell.staleShare),
      isStale ? `${versionsBehindMean.toFixed(1)}, ${versionsBehindMax}` : '-',
      isStale ? `${span(behindP50Ms * 1000)}, ${span(behindMaxMs * 1000)}` : '-',
      percent(cell.nonMonotonicShare + cell.ownMissedShare),
      percent(cell.lostShare),
      percent(cell.overwrittenShare),
      siblingsMax > 1 ? `${percent(siblingReadShare)}, ${siblingsMax}` : '-',
      cell.linearizable,
      percent(cell.unavailableShare),
      ...(isHealing ? [cell.recoveryMs === undefined ? '-' : span(cell.recoveryMs * 1000)] : []),
      cell.breaches
        .map(({ guarantee, seed, promised }) => `${guarantee}: ${seed}${promised ? ' (PROMISED)' : ''}`)
        .join(', '),
    ],
    figures: { ...cell },
  }
}

function hasRecovery(cells: readonly CellResult[]): boolean {
  return cells.some(({ recoveryMs }) => recoveryMs !== undefined)
}

function latencies({ samples, p50Us, p99Us, p999Us }: LatencySummary): string[] {
  return samples === 0 ? ['-', '-', '-'] : [span(p50Us), span(p99Us), span(p999Us)]
}

export function percent(share: number): string {
  return share === 0 ? '-' : `${(100 * share).toPrecision(2)} %`
}
