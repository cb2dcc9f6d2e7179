import type { Draw } from './random.ts'
import { pick } from './random.ts'

/** Texts that have broken somebody's export before; the books are full of them on purpose. */
const hostile = [
  '<b>Größe & "Maße"</b>',
  'O\'Neill & Söhne "GmbH"',
  '🚚 Spedition 東京',
  'CDATA ]]> end',
  '<script>alert(1)</script>',
  "'; DROP TABLE supplier; --",
  'back\\slash \\n {"json": [1]}',
  '=HYPERLINK("http://x.invalid")',
  'Żółć, Łódź; tab\there',
  'two\nlines',
  ' kept spaces ',
  'NULL',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: text that looks like a placeholder is the point
  '${HOME} {{payload}}',
  '001.50',
] as const

const first = [
  'Acier',
  'Baumann',
  'Carter',
  'Duarte',
  'Elbe',
  'Fonderie',
  'Gulf',
  'Harris',
  'Iberia',
  'Jade',
  'Kowalski',
  'Lemaire',
]
const second = [
  'Metal',
  'Plastics',
  'Logistique',
  'Werkzeuge',
  'Trading',
  'Componentes',
  'Papier',
  'Énergie',
  'Electric',
  'Bearings',
]
const form = ['SA', 'GmbH', 'Ltd', 'Lda', 'LLC', 'Sp. z o.o.', 'AG', 'SARL']
const goods = [
  'Bolt M8',
  'Tôle acier 2 mm',
  'Kugellager 6204',
  'Hydraulic pump',
  'Peinture époxy',
  'Cable 3×1.5',
  'Motor 24 V',
  'Palette',
]
const ledgerWords = [
  'Sales',
  'Purchases',
  'Frais de port',
  'Löhne',
  'Bank',
  'Stock',
  'Depreciation',
  'Rent',
  'TVA',
  'Clients',
  'Fournisseurs',
]

export function companyName(draw: Draw): string {
  if (draw(6) === 0) return pick(draw, hostile)
  return `${pick(draw, first)} ${pick(draw, second)} ${pick(draw, form)}`
}

export function goodsName(draw: Draw): string {
  if (draw(8) === 0) return pick(draw, hostile)
  return `${pick(draw, goods)} ${draw(900) + 100}`
}

export function ledgerTitle(draw: Draw): string {
  if (draw(8) === 0) return pick(draw, hostile)
  return `${pick(draw, ledgerWords)} ${draw(90) + 10}`
}

/** A remark on a line: often empty. */
export function remark(draw: Draw): string {
  const kind = draw(12)
  if (kind < 3) return ''
  if (kind === 3) return pick(draw, hostile)
  return `${pick(draw, ledgerWords)} ${pick(draw, first)}`
}
