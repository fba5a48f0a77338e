/**
 * The fields that lines of a history share, what a field must be, and how to say that it is not.
 */

/** What the lines of every operation say, whatever kind of key it is on. */
export interface OperationLine {
  readonly process: number
  readonly key: string
  /** Nanoseconds. */
  readonly time: number
  readonly session?: string
  /** Which coordinator ran it. */
  readonly node?: string
  readonly level?: string | number
  readonly strict?: boolean
  /** The identity that retries of one operation share. */
  readonly op?: string | number
}

export type Fields = Readonly<Record<string, unknown>>

/** One requirement on a field: its name, whether a value meets it, and how to say so. */
export type Requirement = readonly [name: string, meets: (value: unknown) => boolean, must: string]

export const isText = (value: unknown): boolean => typeof value === 'string'
export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
export const isAbsent = (value: unknown): boolean => value === undefined || value === null
export const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
export const isFlag = (value: unknown): boolean => typeof value === 'boolean'
export const isOneOf =
  (names: readonly string[]) =>
  (value: unknown): boolean =>
    names.includes(value as string)
export const orLeftOut =
  (meets: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || meets(value)
/** `Number.MAX_VALUE` is the most that JSON can say, so no time is infinite. */
export const isTime = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0
const isTextOrNumber = (value: unknown): boolean => isText(value) || typeof value === 'number'

/** What the lines of every operation have. */
export const OPERATION: readonly Requirement[] = [
  ['process', isCount, 'a whole number from 0'],
  ['key', isText, 'a string'],
  ['time', isTime, 'nanoseconds from 0'],
  ['session', orLeftOut(isText), 'a string or left out'],
  ['node', orLeftOut(isText), 'a string or left out'],
  ['level', orLeftOut(isTextOrNumber), 'a string, a number or left out'],
  ['strict', orLeftOut(isFlag), 'true, false or left out'],
  ['op', orLeftOut(isTextOrNumber), 'a string, a number or left out'],
]

/** What is wrong with the first field that does not meet its requirement, if one does not. */
export function unmet(fields: Fields, requirements: readonly Requirement[]): string | undefined {
  const requirement = requirements.find(([name, meets]) => !meets(fields[name]))
  if (requirement === undefined) return undefined
  const [name, , must] = requirement
  const found = fields[name] === undefined ? 'and is missing' : `not ${JSON.stringify(fields[name])}`
  return `"${name}" must be ${must}, ${found}`
}
