/** What vendors' servers answer when they refuse, as texts and times for people and retries. */

/** One line of at most 400 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 400 ? `${line.slice(0, 399)}…` : line
}

/** A refused value may be a bank account: the record is named, its value is not. The apostrophe of `Can't parse 'x'` begins no value. */
export const hideValues = (text: string): string => text.replace(/(?<!\w)'(?:[^'\\]|\\.)*'/g, "'…'")

/** The message of a JSON error body; of anything else the first words without markup. */
export function readReason(body: string): string {
  try {
    const json = JSON.parse(body) as Record<string, unknown>
    const parts = [json.error_code ?? json.error, json.message ?? json.error_description]
    const text = parts.filter((part) => typeof part === 'string' && part !== '').join(': ')
    if (text) return oneLine(text)
  } catch {
    // not JSON: an HTML page of a proxy, or plain text
  }
  return oneLine(body.replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' '))
}

/** Seconds or a date, as HTTP says it; undefined where absent or unreadable. */
export function retryAfterMs(header: string | null | undefined, now: number = Date.now()): number | undefined {
  if (!header) return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
