/** Records by their keys, so many in one condition, page by page: the same by every door. */
import type { Page, PageRequest } from '../../../sync/contract/source.ts'
import { allOf, type Filter, keysFilter } from './filter.ts'
import type { FieldPath } from './paths.ts'
import type { Reading } from './requests.ts'

/** Records with these keys, whole. Missing ones are left out. */
export type ByKeys = (
  paths: readonly FieldPath[],
  tuples: readonly (readonly unknown[])[],
  fixed: readonly (Filter | undefined)[],
  reading: Reading,
) => Promise<Page>

type ReadPage = (filter: string | undefined, request: Reading & Pick<PageRequest, 'cursor'>) => Promise<Page>

export function readByKeys(page: ReadPage, most: number): ByKeys {
  return async (paths, tuples, fixed, reading) => {
    const pages: Page[] = []
    for (let at = 0; at < tuples.length; at += most) {
      const filter = allOf([keysFilter(paths, tuples.slice(at, at + most)), ...fixed])
      let cursor: string | null = null
      do {
        const found: Page = await page(filter, { ...reading, cursor })
        pages.push(found)
        cursor = found.cursor
      } while (cursor !== null)
    }
    return {
      records: pages.flatMap((found) => found.records),
      refused: pages.flatMap((found) => found.refused ?? []),
      notices: pages.flatMap((found) => found.notices ?? []),
      cursor: null,
    }
  }
}
