/** What *Test connection* says of the web services. */
import { createReport, fine, type ReportLine } from '../../../../vendor/report.ts'
import type { WebServices } from './client.ts'
import type { PublishedGroup } from './object.ts'

/** Names of all published fields, of the header and of the lines. */
export function fieldNames(groups: readonly PublishedGroup[]): {
  header: ReadonlySet<string>
  line: ReadonlySet<string>
} {
  const of = (kind: 'GRP' | 'TAB') =>
    new Set(groups.filter((group) => group.kind === kind).flatMap(({ fields }) => fields.map(({ name }) => name)))
  return { header: of('GRP'), line: of('TAB') }
}

/** Reaches the pool and describes the publication: what of it postings can use. */
export async function checkWebServices(
  services: WebServices,
  publication: string,
  signal: AbortSignal,
): Promise<ReportLine[]> {
  const report = createReport()
  await report.step(
    () => services.describe(publication, { what: 'Web services', signal }),
    (groups) => {
      const { header, line } = fieldNames(groups)
      const references = ['REFINT', 'REF', 'BPRVCR'].filter((name) => header.has(name))
      const tax = line.has('TAX')
        ? 'lines have TAX'
        : 'lines have no TAX: invoices with tax are held, or posted by account only'
      return fine(
        `Reached the web services at ${services.url}, pool ${services.pool}, as ${services.user}. ${publication} publishes ${header.size} fields of a journal and ${line.size} of its lines; fields for the reference: ${references.join(', ') || 'none'}; ${tax}.`,
      )
    },
  )
  return report.lines
}
