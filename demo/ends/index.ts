/** The flows that the demo can run: a template of `flows/`, between which two systems it stands. */

import type { Door } from '../options.ts'
import { databricks } from './databricks.ts'
import type { SourceEnd, TargetEnd } from './end.ts'
import { intacct } from './intacct.ts'
import { powerbi } from './powerbi.ts'
import { snowflake } from './snowflake.ts'
import { x3, x3By } from './x3.ts'

export interface Ends {
  readonly source: SourceEnd
  readonly target: TargetEnd
}

const FLOWS: Readonly<Record<string, Ends>> = {
  'x3-to-databricks': { source: x3, target: databricks },
  'x3-to-snowflake': { source: x3, target: snowflake },
  'x3-to-powerbi': { source: x3, target: powerbi },
  'intacct-to-databricks': { source: intacct, target: databricks },
}

export const FLOW_NAMES = Object.keys(FLOWS)

/** The two ends of a template; throws an `Error` in words for one that the demo does not know. */
export function endsOf(flow: string, door: Door = 'graphql'): Ends {
  const ends = FLOWS[flow]
  if (!ends) throw new Error(`--flow is one of ${FLOW_NAMES.join(', ')}, not "${flow}"`)
  return ends.source === x3 ? { ...ends, source: x3By(door) } : ends
}
