/** Groups and fields of a publication of the object GAS (function GESGAS). */
import type { FieldType, GroupType } from './object.ts'

/** `known`: those that a real client used; `wide`: with the two references, the due date, the tax and the free reference of lines besides. */
export type JournalShape = 'known' | 'wide'

const char = (name: string, length: number): FieldType => ({ name, type: 'Char', length })
const menu = (name: string): FieldType => ({ name, type: 'Integer' })
const date = (name: string): FieldType => ({ name, type: 'Date' })
const decimal = (name: string): FieldType => ({ name, type: 'Decimal' })

const dimensions = Array.from({ length: 7 }, (_, k) => char(`CCE${k + 1}`, 15))

const HEADER: readonly GroupType[] = [
  { id: 'HAE0_1', kind: 'GRP', fields: [char('FCY', 5), char('TYP', 5), char('NUM', 20), date('ACCDAT')] },
  { id: 'HAE0_2', kind: 'GRP', fields: [char('JOU', 5), menu('CAT'), menu('STA'), char('DACDIA', 5)] },
  { id: 'HAE1_1', kind: 'GRP', fields: [char('DESVCR', 30)] },
  { id: 'HAE1_3', kind: 'GRP', fields: [char('BPRVCR', 20), date('BPRDATVCR')] },
  { id: 'HAE1_5', kind: 'GRP', fields: [date('RATDAT'), char('CUR', 3)] },
]

const LINE: readonly FieldType[] = [
  char('FCYLIN', 5),
  char('ACC1', 15),
  char('BPR', 15),
  decimal('DEB'),
  decimal('CDT'),
  char('DES', 30),
  ...dimensions,
]

const REFERENCES: GroupType = {
  ...{ id: 'HAE1_2', kind: 'GRP', fields: [char('REF', 20), char('REFINT', 25), date('DUDDAT')] },
}

export const LINES = 'HAE2_1'

export function journalGroups(shape: JournalShape): readonly GroupType[] {
  if (shape === 'known') return [...HEADER, { id: LINES, kind: 'TAB', fields: LINE }]
  return [...HEADER, REFERENCES, { id: LINES, kind: 'TAB', fields: [...LINE, char('TAX', 5), char('FREREF', 20)] }]
}

/** Fields of the header by name, over all its groups. */
export const headerFields = (groups: readonly GroupType[]): readonly FieldType[] =>
  groups.filter(({ kind }) => kind === 'GRP').flatMap(({ fields }) => fields)
