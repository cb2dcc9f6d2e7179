import { noPrivilege } from './errors.ts'

export interface Rights {
  deny(privilege: string, on: string): void
  /** Gives back one denied right, or all. */
  allow(privilege?: string, on?: string): void
  /** Whether the right is taken on exactly this object or on something around it. */
  isDenied(privilege: string, ...parts: string[]): boolean
  /** Raises 003001 where the right is missing. */
  check(privilege: string, kind: string, ...parts: string[]): void
}

/** The role may do everything that is not denied. */
export function createRights(): Rights {
  let denied: { privilege: string; on: string }[] = []

  function isDenied(privilege: string, ...parts: string[]): boolean {
    const names = parts.map((_, index) =>
      parts
        .slice(0, index + 1)
        .join('.')
        .toUpperCase(),
    )
    return denied.some((rule) => rule.privilege === privilege && names.includes(rule.on))
  }

  return {
    isDenied,
    deny(privilege, on) {
      denied.push({ privilege: privilege.toUpperCase(), on: on.replaceAll('"', '').toUpperCase() })
    },
    allow(privilege, on) {
      const isMeant = (rule: { privilege: string; on: string }) =>
        (privilege === undefined || rule.privilege === privilege.toUpperCase()) &&
        (on === undefined || rule.on === on.replaceAll('"', '').toUpperCase())
      denied = denied.filter((rule) => !isMeant(rule))
    },
    check(privilege, kind, ...parts) {
      if (isDenied(privilege, ...parts)) throw noPrivilege(kind, parts.at(-1) ?? '')
    },
  }
}
