/**
 * One history in the other's words, so that registers can be judged for staleness, and AP keys as if they were registers.
 */
import type { History, HistoryLine } from '../../src/check/history.ts'

/** Reads and writes of registers as gets and puts, each process a session of its own. */
export function asApHistory(history: History): HistoryLine[] {
  const sessions = new Set<string>()
  const lines: HistoryLine[] = []
  for (const line of history) {
    if (!('f' in line)) {
      lines.push(line)
      continue
    }
    const { process, key, time } = line as { process: number; key: string; time: number }
    const session = `c${process}`
    if (!sessions.has(session)) {
      sessions.add(session)
      lines.push({ type: 'session', session, guarantees: ['ryw', 'mr'] })
    }
    const shared = { process, key, time, session }
    const { f, type } = line
    if (f === 'read') {
      const shown = line.value === null || line.value === undefined ? [] : [textOf(line.value)]
      if (type === 'invoke') lines.push({ type, f: 'get', ...shared })
      else if (type === 'ok') lines.push({ type, f: 'get', value: shown, ...shared })
      else lines.push({ type, f: 'get', ...shared })
    } else if (f === 'write' || f === 'cas') {
      const isPair = Array.isArray(line.value)
      const [from, to] = (isPair ? line.value : [null, line.value]) as readonly unknown[]
      const value = textOf(to)
      const saw = from === null || from === undefined ? {} : { saw: [textOf(from)] }
      if (type === 'invoke') lines.push({ type, f: 'put', value, ...saw, ...shared })
      else lines.push({ type, f: 'put', value, ...reasonOf(line), ...shared })
    }
  }
  return lines
}

/** Values of the matrix are texts. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function reasonOf(line: object): { readonly reason?: unknown } {
  return 'reason' in line ? { reason: line.reason } : {}
}

/** Gets and puts as reads and writes of registers; nothing where a get showed several values at once. */
export function asRegisterHistory(history: History): HistoryLine[] | undefined {
  const lines: HistoryLine[] = []
  for (const line of history) {
    if (line.type === 'session' || line.type === 'final' || !('f' in line)) continue
    const { process, key, time } = line as { process: number; key: string; time: number }
    const shared = { process, key, time }
    const { f, type } = line
    if (f === 'get') {
      if (type !== 'ok') lines.push({ type, f: 'read', ...shared })
      else if (line.value.length > 1) return undefined
      else lines.push({ type, f: 'read', value: line.value[0] ?? null, ...shared })
    } else if (f === 'put') lines.push({ type, f: 'write', value: line.value, ...shared } as HistoryLine)
  }
  return lines
}
