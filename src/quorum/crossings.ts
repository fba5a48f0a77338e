/**
 * The ways across a board: sets of nodes that form a path from its left side to its right.
 */
import { QuorateError } from '../core/base/errors.ts'

type Board = readonly (readonly string[])[]

interface Cell {
  readonly x: number
  readonly y: number
}

/** Beside, above, below, and along one diagonal, which no path of the other direction can then slip through. */
const STEPS: readonly Cell[] = [
  { x: 1, y: 0 },
  { x: -1, y: 0 },
  { x: 0, y: 1 },
  { x: 0, y: -1 },
  { x: 1, y: -1 },
  { x: -1, y: 1 },
]

/** More than fit the text of a quorum system. */
const CROSSINGS_MAX = 1000

/** All paths without a detour, as sets of nodes. Throws `QUORATE_LIMIT` when they are too many to write out. */
export function crossings(board: Board): string[][] {
  const found: string[][] = []
  const walk = (path: readonly Cell[]): void => {
    const end = path.at(-1) as Cell
    if (end.x === (board[0] as readonly string[]).length - 1) {
      found.push(path.map(({ x, y }) => (board[y] as readonly string[])[x] as string))
      if (found.length > CROSSINGS_MAX) throw tooMany()
      return
    }
    for (const step of STEPS) {
      const next = { x: end.x + step.x, y: end.y + step.y }
      if (next.x < 1 || board[next.y] === undefined) continue
      if (path.slice(0, -1).every((cell) => !touches(cell, next))) walk([...path, next])
    }
  }
  for (let y = 0; y < board.length; y++) walk([{ x: 0, y }])
  return found
}

/** Whether the cells are one, or neighbours: then a path that comes back to it took a detour. */
function touches(a: Cell, b: Cell): boolean {
  const [x, y] = [b.x - a.x, b.y - a.y]
  return (x === 0 && y === 0) || STEPS.some((step) => step.x === x && step.y === y)
}

function tooMany(): QuorateError {
  return new QuorateError('QUORATE_LIMIT', 'this board has too many paths to write out: use a smaller one')
}
