import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Something that was done to the tenant's data, and when; doing it all again gives the same data. */
export interface Deed {
  readonly kind: string
  readonly args: readonly unknown[]
  /** ms since 1970 */
  readonly at: number
  /** How far the clock of the stamps was ahead of it, ms. */
  readonly lead: number
}

export interface Diary {
  /** What was done before this process, oldest first. */
  readonly deeds: readonly Deed[]
  note(deed: Deed): void
}

/** Keeps deeds in a file, a line of JSON each; without a file nothing is kept. */
export function openDiary(file: string | undefined): Diary {
  if (file === undefined) return { deeds: [], note: () => undefined }
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  // A process that was killed may have left half a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole !== text) writeFileSync(file, whole)
  return {
    deeds: whole
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Deed),
    note: (deed) => appendFileSync(file, `${JSON.stringify(deed)}\n`, { mode: 0o600 }),
  }
}
