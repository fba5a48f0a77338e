/**
 * What a process holds in memory when everything that can be collected has been.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The collector of this process, which need not have been started with --expose-gc. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

const collect = exposeCollector()

/** Bytes of objects and of buffers beyond the heap, after a full collection. */
export async function heldBytes(): Promise<number> {
  // Buffers are freed after the objects that own them, and their finalizers may run a turn later.
  for (let i = 0; i < 2; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return heldBytesNow()
}

/** The same in one turn, for moments when nothing else may happen in between. */
export function heldBytesNow(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
