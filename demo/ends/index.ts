/** The flows that the demo can run: a template of `flows/`, between which two systems it stands. */

import type { Door } from '../options.ts'
import { basware } from './basware.ts'
import { baswareBoth } from './basware-orders.ts'
import { databricks } from './databricks.ts'
import type { End, SourceEnd, TargetEnd } from './end.ts'
import { intacct } from './intacct.ts'
import { powerbi } from './powerbi.ts'
import { snowflake } from './snowflake.ts'
import { x3, x3By } from './x3.ts'
import { x3Ledger, x3LedgerBy } from './x3-ledger.ts'

export interface Ends {
  readonly source: SourceEnd | End
  readonly target: End
}

/** Of a flow that fills tables, which are compared with the books. */
export interface TableEnds extends Ends {
  readonly source: SourceEnd
  readonly target: TargetEnd
}

const FLOWS: Readonly<Record<string, TableEnds>> = {
  'x3-to-databricks': { source: x3, target: databricks },
  'x3-to-snowflake': { source: x3, target: snowflake },
  'x3-to-powerbi': { source: x3, target: powerbi },
  'intacct-to-databricks': { source: intacct, target: databricks },
}

/** Flows of two directions: orders go out, invoices come back. */
const TWO_WAY: Readonly<Record<string, Ends>> = { 'x3-basware': { source: x3Ledger, target: baswareBoth } }

/** Flows that post into an ERP. */
const POSTING: Readonly<Record<string, Ends>> = { 'basware-to-x3': { source: basware, target: x3Ledger } }

export const FLOW_NAMES = [...Object.keys(FLOWS), ...Object.keys(POSTING), ...Object.keys(TWO_WAY)]

/** The two ends of a template; throws an `Error` in words for one that the demo does not know. */
export function endsOf(flow: string, door: Door = 'graphql'): Ends {
  if (POSTING[flow]) return { ...POSTING[flow], target: x3LedgerBy(door, door === 'api1' ? { lookUp: 'api1' } : {}) }
  if (TWO_WAY[flow]) return { ...TWO_WAY[flow], source: x3LedgerBy(door) }
  if (!FLOWS[flow]) throw new Error(`--flow is one of ${FLOW_NAMES.join(', ')}, not "${flow}"`)
  return tableEndsOf(flow, door)
}

/** Whether a flow posts. */
export const posts = (flow: string): boolean => Object.hasOwn(POSTING, flow)

/** Whether a flow sends orders and posts invoices. */
export const isTwoWay = (flow: string): boolean => Object.hasOwn(TWO_WAY, flow)

/** The ends of a flow that fills tables; throws an `Error` for any other. */
export function tableEndsOf(flow: string, door: Door = 'graphql'): TableEnds {
  const ends = FLOWS[flow]
  if (!ends) throw new Error(`"${flow}" fills no tables`)
  return ends.source === x3 ? { ...ends, source: x3By(door) } : ends
}
