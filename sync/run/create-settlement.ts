/** Puts the state of runs together: their register, what sinks report, settling, targets that are reached, runs of pushed messages. */
import { arriving } from './arriving.ts'
import { pushRuns } from './push-runs.ts'
import { reachingTargets } from './reach-target.ts'
import { createRegister, failEntity } from './register.ts'
import { settlingRows } from './settle-rows.ts'
import type { RunKeeper, SettlementDeps } from './settlement.ts'
import { sinkReports } from './sink-reports.ts'

export function createSettlement({ ledger, now, tick }: SettlementDeps): RunKeeper {
  const register = createRegister(tick)
  const { runs, open, end } = register
  return {
    runs,
    open,
    end,
    failEntity,
    ...sinkReports(register, { now, tick }),
    ...arriving(ledger, register),
    ...settlingRows({ ledger, register, tick }),
    ...reachingTargets(ledger, register),
    ...pushRuns({ ledger, register, now, tick }),
  }
}
