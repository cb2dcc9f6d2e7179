/** What an error and all that caused it say. */

/** The code of an error or of what caused it. */
export function errorCode(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors.length > 0) return errorCode(at.errors[0])
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string') return code
  }
  return ''
}

/** Messages and codes of an error and of what caused it. */
export function causeWords(error: unknown): string {
  const words: string[] = []
  let at: unknown = error
  for (let deep = 0; typeof at === 'object' && at !== null && deep < 6; deep++) {
    const { code, message, cause, errors } = at as Readonly<Record<string, unknown>>
    words.push(String(code ?? ''), String(message ?? ''))
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return words.join(' ')
}
