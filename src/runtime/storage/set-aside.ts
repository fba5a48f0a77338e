/**
 * Moving a data directory out of the way, without changing anything in it.
 */
import { rename, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { refuse } from './level-directory.ts'

const NAMES_MAX = 1_000

/**
 * Gives the directory another name, beside it: the first free of `….older-copy-1` and so on. Nobody may have it open.
 * Gives the new name; throws `QUORATE_STORAGE` when there is none, or no right to use it.
 */
export async function setAside(directory: string): Promise<string> {
  const from = resolve(directory)
  for (let number = 1; number <= NAMES_MAX; number++) {
    const to = `${from}.older-copy-${number}`
    if (await isThere(to)) continue
    try {
      await rename(from, to)
      return to
    } catch (error) {
      throw refuse(
        `${from} cannot be moved to ${to} (${(error as Error).message}). Move it away and start again.`,
        error,
      )
    }
  }
  throw refuse(`${NAMES_MAX} older copies lie beside ${from}. Move some of them away and start again.`)
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
