import { unsupported } from '../errors.ts'

/** Elements of Snowflake's formats for dates and times, longest first, and what strptime and strftime have for them. */
const ELEMENTS: Readonly<Record<string, string>> = {
  YYYY: '%Y',
  YY: '%y',
  MMMM: '%B',
  MON: '%b',
  MM: '%m',
  DD: '%d',
  DY: '%a',
  HH24: '%H',
  HH12: '%I',
  AM: '%p',
  PM: '%p',
  MI: '%M',
  SS: '%S',
  'TZH:TZM': '%z',
  TZHTZM: '%z',
  TZH: '%z',
}
const TOKEN = /"([^"]*)"|YYYY|YY|MMMM|MON|MM|DD|DY|HH24|HH12|AM|PM|MI|SS|FF\d?|TZH:TZM|TZHTZM|TZH|[A-Z]|[^A-Z"]/gi

/** A format in the engine's words; elements are in any case, what stands in double quotes is literal. */
export function engineFormat(format: string, way: 'in' | 'out'): string {
  return format.replace(TOKEN, (token, literal?: string) => {
    if (literal !== undefined) return literal.replaceAll('%', '%%')
    const element = token.toUpperCase()
    if (/^FF/.test(element)) return fraction(element, way)
    const found = ELEMENTS[element]
    // The letter between date and time need not stand in quotes.
    if (found === undefined && /^[A-SU-Z]$/.test(element)) throw unsupported(`format ${format}`)
    return found ?? token.replace('%', '%%')
  })
}

/** Read with any number of digits; written with three, six or nine, as the engine can. */
function fraction(element: string, way: 'in' | 'out'): string {
  const digits = element === 'FF' ? 9 : Number(element.slice(2))
  if (way === 'in') return '%n'
  return digits <= 3 ? '%g' : digits <= 6 ? '%f' : '%f000'
}

/** Whether a format of TO_VARCHAR is one for dates and times. */
export const isTimeFormat = (format: string) => /YY|MM|DD|HH|MI|SS/i.test(format)
