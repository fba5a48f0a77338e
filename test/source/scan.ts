/**
 * A small scanner of TypeScript text: enough to tell code from comments and strings, and to measure functions.
 *
 * It is no parser. It relies on the formatter's layout and knows nothing of JSX; what it takes for granted is written
 * down in source.test.ts, case by case.
 */

/** `text` with the insides of comments, strings and regular expressions blanked; offsets and lines stay the same. */
export function codeOf(text: string): string {
  const out: string[] = []
  scanCode(text, 0, false, out)
  return out.join('')
}

/** Copies code to `out` from `at` on; inside a template literal it stops at the brace that ends the expression. */
function scanCode(text: string, at: number, inTemplate: boolean, out: string[]): number {
  let depth = 0
  while (at < text.length) {
    const end = endOfBlank(text, at, out)
    if (end > at) {
      at = blank(text, at, end, out)
    } else if (text[at] === '`') {
      at = scanTemplate(text, at, out)
    } else {
      if (text[at] === '{') depth++
      if (text[at] === '}' && depth-- === 0 && inTemplate) return at
      out.push(text[at++] as string)
    }
  }
  return at
}

function scanTemplate(text: string, at: number, out: string[]): number {
  out.push('`')
  at++
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) {
      out.push('${')
      at = scanCode(text, at + 2, true, out) + 1
      out.push('}')
    } else {
      at = blank(text, at, at + (text[at] === '\\' ? 2 : 1), out)
    }
  }
  out.push('`')
  return at + 1
}

/** Where the comment, string or regular expression that starts at `at` ends; `at` itself when none starts there. */
function endOfBlank(text: string, at: number, before: readonly string[]): number {
  const rest = (pattern: RegExp): number => {
    pattern.lastIndex = at
    return at + (pattern.exec(text)?.[0].length ?? 0)
  }
  const first = text[at]
  if (first === '"' || first === "'") return rest(/(["'])(?:\\[^]|(?!\1)[^\\])*\1/y)
  if (first !== '/') return at
  if (text[at + 1] === '/') return rest(/\/\/.*/y)
  if (text[at + 1] === '*') return rest(/\/\*[^]*?\*\//y)
  const isDivision = /(?:[\w$)\]}]|\+\+|--)\s*$/.test(before.slice(-40).join(''))
  const afterKeyword = /\b(?:return|typeof|case|of|in|yield|await|throw|void)\s*$/.test(before.slice(-40).join(''))
  return isDivision && !afterKeyword ? at : rest(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y)
}

/** Blanks everything but line ends and the quotes of a string. */
function blank(text: string, from: number, to: number, out: string[]): number {
  const quote = text[from] === '"' || text[from] === "'"
  const inside = text.slice(from, to).replaceAll(/[^\n]/g, ' ')
  out.push(...(quote ? `${text[from]}${inside.slice(1, -1)}${text[to - 1]}` : inside).split(''))
  return to
}

export interface ImportStatement {
  readonly specifier: string
  readonly typeOnly: boolean
  readonly line: number
}

/** All `import … from`, `export … from`, `import '…'` and `import('…')`, with what stands between the quotes. */
export function importsOf(text: string): ImportStatement[] {
  const pattern = /\b(?:import|export)\s+(type\s)?(?:[\w$*\s,]|\{[^{}]*\})*?\bfrom\s*['"]|\bimport\s*\(?\s*['"]/g
  return [...codeOf(text).matchAll(pattern)].map((match) => {
    const start = match.index + match[0].length
    const specifier = text.slice(start, text.indexOf(text[start - 1] as string, start))
    return { specifier, typeOnly: match[1] !== undefined, line: lineAt(text, start) }
  })
}

export interface FunctionSpan {
  readonly line: number
  readonly lines: number
}

/** Where each function, method or arrow function with a body begins, and how many lines it takes with its head. */
export function functionsOf(text: string): FunctionSpan[] {
  const code = codeOf(text)
  const open: { start: number; isFunction: boolean }[] = []
  const spans: FunctionSpan[] = []
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '{') open.push(startOfBlock(code, at))
    if (code[at] !== '}') continue
    const block = open.pop()
    if (block?.isFunction !== true) continue
    const line = lineAt(code, block.start)
    spans.push({ line, lines: lineAt(code, at) - line + 1 })
  }
  return spans
}

/** Whether the block that opens at `brace` is a function's body, and where that function's head begins. */
function startOfBlock(code: string, brace: number): { start: number; isFunction: boolean } {
  let head = code.slice(0, brace).trimEnd()
  const isArrow = head.endsWith('=>')
  if (isArrow) head = head.slice(0, -2).trimEnd()
  // A return type stands between the parameters and the body; one in braces, `): { … } {`, is stepped over.
  if (head.endsWith('}')) head = head.slice(0, matching(head, head.length - 1, '{', '}')).trimEnd()
  head = head.replace(/\)\s*:[^;{}]*$/, ')')
  if (!head.endsWith(')')) return { start: isArrow ? head.length : brace, isFunction: isArrow }
  const parameters = matching(head, head.length - 1, '(', ')')
  const isStatement = /\b(?:if|for|while|switch|catch|with|await)\s*$/.test(head.slice(0, parameters))
  return { start: parameters, isFunction: !isStatement || isArrow }
}

/** Where the bracket that `at` closes was opened. */
function matching(code: string, at: number, open: string, close: string): number {
  let depth = 0
  for (; at >= 0; at--) {
    if (code[at] === close) depth++
    if (code[at] === open && --depth === 0) return at
  }
  return 0
}

export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
