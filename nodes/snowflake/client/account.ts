/** The account and its address, as people copy them. */
import { syncError } from '../../../sync/contract/errors.ts'
import { hostIn } from '../../../vendor/address.ts'

const DOMAIN = /\.snowflakecomputing\.(com|cn)$/i

interface Given {
  readonly account: string
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly protocol?: 'https' | 'http' | undefined
}

/**
 * The account identifier and the address of its login. Where a host is given the account stays as it stands: the memory of
 * what was delivered goes by it.
 */
export function accountOf({ account: text, host: given, port, protocol }: Given) {
  const scheme = schemeOf(given, protocol)
  const account = given?.trim() ? text.trim() : cleanAccount(text)
  if (!/^[A-Za-z0-9]([\w.-]*\w)?$/.test(account))
    throw syncError(
      'config',
      'snowflake.account',
      `Field account: it must be an account identifier such as MYORG-FINANCE: ${text.slice(0, 100)}`,
      { field: 'account', hint: 'Copy it from Snowsight: account menu, Account details, Account identifier.' },
    )
  const { host, port: own } = given?.trim()
    ? hostOf(given, port, scheme)
    : {
        host: `${account.toLowerCase().replaceAll('_', '-')}.snowflakecomputing.${/\.cn(\/|$)/i.test(text.trim()) ? 'cn' : 'com'}`,
        port,
      }
  return { account, accessUrl: `${scheme}://${host}${own ? `:${own}` : ''}` }
}

/**
 * `https://x.snowflakecomputing.com/..` and the address of Snowsight hold the identifier. `ORG.ACCOUNT`, as SQL writes it, is
 * `ORG-ACCOUNT` here; a locator with its region (`xy12345.eu-central-1`) is not: every region has a hyphen, no account name has.
 */
function cleanAccount(text: string): string {
  const snowsight = /^(?:https:\/\/)?app\.snowflake\.com\/(\w+)\/(\w+)(?:[/#?].*)?$/i.exec(text.trim())
  if (snowsight) return `${snowsight[1]}-${snowsight[2]}`.toUpperCase()
  const bare = text
    .trim()
    .replace(/^https:\/\//i, '')
    .replace(/[/?#].*$/, '')
    .replace(/:443$/, '')
  const domain = DOMAIN.exec(bare)
  if (domain) return bare.slice(0, domain.index)
  // an address elsewhere is none of Snowflake's
  if (bare !== text.trim()) return text
  const [, org, name] = /^([A-Za-z]\w*)\.(\w+)$/.exec(bare) ?? []
  return org && name && !/^(privatelink|global|aws|azure|gcp)$/i.test(name) ? `${org}-${name}` : bare
}

/** A host that is written as an address says it itself. */
const schemeOf = (host = '', given: 'https' | 'http' = 'https') => (/^\s*http:/i.test(host) ? 'http' : given)

function hostOf(text: string, port: number | undefined, protocol: 'https' | 'http') {
  const found = hostIn(text, protocol)
  if (!found || (found.port !== undefined && port !== undefined && found.port !== port))
    throw syncError(
      'config',
      'snowflake.host',
      `Field host: it must be a name such as myorg-finance.privatelink.snowflakecomputing.com, reached by ${protocol}${found ? `, with the port of the field beside it (${port})` : ''}: ${text.slice(0, 100)}`,
      { field: 'host', hint: 'Leave it empty, unless you reach Snowflake by private link.' },
    )
  return { host: found.host, port: port ?? found.port }
}
