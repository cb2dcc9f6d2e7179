/** Values as POST rows takes them without losing anything: UTC dates, whole decimals, texts within 4,000 characters. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import { normalise } from '../../../sync/values/money.ts'
import { type DataType, PLACES } from './model.ts'

/** Published: 4,000 characters for one value. */
export const MOST_CHARACTERS = 4000
/** The calendar of DAX begins on 1 March 1900. */
const FIRST_DAY = '1900-03-01'
/** Digits that a JSON number keeps on its way through a double. */
const SAFE_DIGITS = 15
/** Decimal: 28 digits with 4 behind the point. */
const MOST_WHOLE_DIGITS = 24
const MINUS = 45

export interface Misfit {
  readonly code: string
  readonly text: string
  readonly hint: string
}

/** JSON of a value that is not null, or why it cannot be sent. `cut`: longer texts are cut instead of refused. */
export type Encoder = (value: unknown) => string | Misfit

export function encoderOf(column: Column, dataType: DataType, cut: boolean): Encoder {
  switch (dataType) {
    case 'Int64':
      // NaN and the ends of the range cannot come here: the engine takes safe integers only
      return (value) =>
        Number.isSafeInteger(value)
          ? String(value)
          : misfit('type', 'is no whole number', 'Write it as a whole number in the mapping.')
    case 'Boolean':
      return (value) => (value === true ? 'true' : 'false')
    case 'DateTime':
      return dateTime
    case 'Decimal':
      return (value) => decimal(String(value))
    case 'String':
      if (column.type.startsWith('decimal')) return (value) => JSON.stringify(normalise(String(value)))
      return column.type === 'json' ? (value) => text(JSON.stringify(value), cut) : (value) => text(String(value), cut)
  }
}

/** No zone is kept and steps are 1/300 s: everything is sent in UTC, and reports show UTC. */
function dateTime(value: unknown): string | Misfit {
  const stamp = String(value)
  if (stamp < FIRST_DAY)
    return misfit(
      'date',
      `lies before ${FIRST_DAY}, where the calendar of Power BI begins`,
      'Correct the date in the source, or make it empty in the mapping.',
    )
  return `"${stamp.length === 10 ? `${stamp}T00:00:00Z` : stamp}"`
}

/** As a JSON number where a double keeps every digit, else as text, which the service converts. */
function decimal(value: string): string | Misfit {
  const plain = normalise(value)
  const point = plain.indexOf('.')
  const whole = (point < 0 ? plain.length : point) - (plain.charCodeAt(0) === MINUS ? 1 : 0)
  const places = point < 0 ? 0 : plain.length - point - 1
  if (places > PLACES)
    return misfit(
      'decimal',
      `has ${places} places, and Power BI's Decimal has ${PLACES}`,
      'Round it in the mapping with $round, or take the column out of "Amounts", so that it is written as text.',
    )
  if (whole > MOST_WHOLE_DIGITS)
    return misfit(
      'decimal',
      `has ${whole} digits, and Power BI's Decimal has ${MOST_WHOLE_DIGITS} before the point`,
      'Take the column out of "Amounts", so that it is written as text.',
    )
  return whole + places <= SAFE_DIGITS ? plain : `"${plain}"`
}

function text(value: string, cut: boolean): string | Misfit {
  if (value.length <= MOST_CHARACTERS) return JSON.stringify(value)
  if (cut) {
    const short = value.slice(0, MOST_CHARACTERS - 1)
    return JSON.stringify(`${short.isWellFormed() ? short : short.slice(0, -1)}…`)
  }
  return misfit(
    'long',
    `has ${value.length.toLocaleString('en-US')} characters, and Power BI takes ${MOST_CHARACTERS.toLocaleString('en-US')}`,
    'Shorten it in the mapping, or let the node cut long texts.',
  )
}

const misfit = (code: string, words: string, hint: string): Misfit => ({ code: `powerbi.${code}`, text: words, hint })

/** The error of a record that cannot be sent as it is. */
export const misfitError = (
  entity: string,
  key: string,
  field: string,
  { code, text: words, hint }: Misfit,
): SyncError =>
  syncError('data', code, `${entity} ${key}, field ${field}: the value ${words}. ${hint}`, { entity, key, field, hint })
