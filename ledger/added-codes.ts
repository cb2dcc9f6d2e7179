/** Codes that people added to the code tables of flows. */
import { randomUUID } from 'node:crypto'
import { syncError } from '../sync/contract/errors.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { AddedCode, AddedCodes } from './ledger.ts'

const COLUMNS = `
  id, mapping, code_table AS "table", code AS "from", target AS "to", valid_from, valid_to, person AS "by", at, reason`

export function createAddedCodes(db: Database, at: () => string, decisions: Pick<DecisionBook, 'write'>): AddedCodes {
  const { list, get, put, clash, remove } = prepared(db, {
    list: `SELECT ${COLUMNS} FROM added_code WHERE (?1 IS NULL OR mapping = ?1) ORDER BY at, id`,
    get: `SELECT ${COLUMNS} FROM added_code WHERE id = ?`,
    put: 'INSERT INTO added_code VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    clash: `
      SELECT 1 FROM added_code WHERE mapping = ?1 AND code_table = ?2 AND code = ?3
        AND (valid_to = '' OR valid_to >= ?4) AND (?5 = '' OR valid_from <= ?5) LIMIT 1`,
    remove: 'DELETE FROM added_code WHERE id = ?',
  })
  return {
    addedCodes: async (mapping) => db.guard(() => list.all(mapping ?? null)) as unknown as AddedCode[],
    async addCode({ mapping, table, from, to, valid_from, valid_to }, decision) {
      db.tx(() => {
        if (clash.get(mapping, table, from, valid_from, valid_to) !== undefined)
          throw syncError(
            'config',
            'ledger.code',
            `${table} ${from} was added already, for these days or some of them.`,
            {
              field: from,
              hint: 'Replay the records, or take the code that was added away first.',
            },
          )
        const { by, reason } = decision
        put.run(randomUUID(), mapping, table, from, to, valid_from, valid_to, by, at(), reason)
        decisions.write(decision)
      })
    },
    removeCode: async (id, decisionOf) =>
      db.tx(() => {
        const found = get.get(id) as unknown as AddedCode | undefined
        if (found === undefined) return undefined
        remove.run(id)
        decisions.write(decisionOf(found))
        return found
      }),
  }
}
