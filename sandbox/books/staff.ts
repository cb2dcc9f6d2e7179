import { sites } from './codes.ts'
import { dimensionCode } from './masters.ts'
import type { DateText } from './types.ts'

/** Somebody who works for the demo group; nobody comes or goes while the books move. */
export interface Employee {
  number: number
  code: string
  name: string
  title: string
  department: string
  site: string
  start: DateText
  active: boolean
}

const names = [
  'Ana Duarte',
  'Björn Åkesson',
  'Chloé Lefèvre',
  "Dara O'Neill",
  'Emre Yıldız',
  'Fatima Al-Sabah',
  'Grzegorz Żak',
  'Hana 東',
  'Ivo <Test> Silva',
  'Jane Doe & Sons',
  'Karl-Heinz Groß',
  'Léa Martin',
]
const titles = ['Accountant', 'Buyer', 'Controller', 'Fitter', '']

export const employees: readonly Employee[] = names.map((name, k) => ({
  number: k + 1,
  code: `E-${String(k + 1).padStart(3, '0')}`,
  name,
  title: titles[k % titles.length] as string,
  department: dimensionCode('CCT', k % 8),
  site: (sites[k % sites.length] as (typeof sites)[number]).code,
  start: `20${10 + k}-0${1 + (k % 9)}-15`,
  active: k % 5 !== 4,
}))
