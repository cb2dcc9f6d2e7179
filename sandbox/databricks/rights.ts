import { SqlError, type TableName } from './errors.ts'

/** One missing right: `on` is `main`, `main.finance` or `main.finance.gl_entry`, and holds for all below it. */
export interface Denial {
  privilege: string
  on: string
}

export interface Rights {
  deny(privilege: string, on: string): void
  /** Gives back one denied right, or all. */
  allow(privilege?: string, on?: string): void
  isDenied(privilege: string, table: TableName): boolean
  /** Raises INSUFFICIENT_PERMISSIONS where the right is missing. */
  check(privilege: string, table: TableName): void
}

/** The principal may do everything that is not denied. */
export function createRights(): Rights {
  let denied: Denial[] = []

  function isDenied(privilege: string, { catalog, schema, name }: TableName): boolean {
    const names = [catalog, `${catalog}.${schema}`, `${catalog}.${schema}.${name}`]
    return denied.some((rule) => rule.privilege === privilege && names.includes(rule.on))
  }

  return {
    isDenied,
    deny(privilege, on) {
      denied.push({ privilege: privilege.toUpperCase(), on: on.toLowerCase() })
    },
    allow(privilege, on) {
      const isMeant = (rule: Denial) =>
        (privilege === undefined || rule.privilege === privilege.toUpperCase()) &&
        (on === undefined || rule.on === on.toLowerCase())
      denied = denied.filter((rule) => !isMeant(rule))
    },
    check(privilege, table) {
      const { catalog, schema, name } = table
      if (!isDenied(privilege, table)) return
      const onSchema = privilege.startsWith('CREATE') || name === ''
      const securable = onSchema ? `Schema '${catalog}.${schema}'` : `Table '${catalog}.${schema}.${name}'`
      throw new SqlError(
        'INSUFFICIENT_PERMISSIONS',
        '42501',
        `Insufficient privileges: User does not have ${privilege} on ${securable}.`,
      )
    },
  }
}
