/**
 * Lines with their numbers, in the order in which things happened.
 */

/** A line with its number in the history, counted from 1. */
export interface Numbered<Line> {
  readonly line: Line
  readonly number: number
}

/** By an instant of each line; lines of equal instants as they stand. */
export function inOrderOf<Line>(lines: readonly Numbered<Line>[], instantOf: (line: Line) => number): Numbered<Line>[] {
  return lines.toSorted((a, b) => instantOf(a.line) - instantOf(b.line) || a.number - b.number)
}
