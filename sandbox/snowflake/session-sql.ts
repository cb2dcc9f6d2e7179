import type { Account, Session } from './account.ts'
import { noOperation, SqlError } from './errors.ts'
import { type Outcome, status, TYPE_IDS } from './results.ts'
import type { Statement } from './sql/statement.ts'
import { begin, commit, rollback } from './transaction.ts'

export async function transact(
  account: Account,
  session: Session,
  act: 'BEGIN' | 'COMMIT' | 'ROLLBACK',
): Promise<Outcome> {
  // A BEGIN within a transaction is ignored.
  if (act === 'BEGIN' && !session.transaction) await begin(account, session, true)
  if (act === 'COMMIT') await commit(account, session)
  if (act === 'ROLLBACK') await rollback(account, session)
  return status('Statement executed successfully.', TYPE_IDS.transaction)
}

export function use(account: Account, session: Session, { what, parts }: Extract<Statement, { kind: 'use' }>): void {
  const [name = '', database] = [...parts].reverse()
  const { catalog, rights, warehouses, roles } = account
  switch (what) {
    case 'WAREHOUSE':
      if (!warehouses.includes(name) || rights.isDenied('USAGE', name)) throw noOperation()
      session.warehouse = name
      return
    case 'ROLE':
      if (!roles.includes(name))
        throw new SqlError(
          '003013',
          '42501',
          `SQL access control error:\nRequested role '${name}' is not assigned to the executing user. Specify another role to activate.`,
        )
      session.role = name
      return
    case 'DATABASE':
      if (name !== catalog.database || rights.isDenied('USAGE', name)) throw noOperation()
      session.database = name
      session.schema = 'PUBLIC'
      return
    case 'SCHEMA': {
      const within = database ?? session.database
      if (within !== catalog.database || !catalog.schemas.has(name) || rights.isDenied('USAGE', within, name))
        throw noOperation()
      session.database = within
      session.schema = name
    }
  }
}
