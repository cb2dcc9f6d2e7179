/** A whole run of the engine in a process that kills itself with -9 at the moment asked for: `<moment> <which time>`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Mark, WriteBatch } from '../../sync/contract/target.ts'
import { type FakeTarget, fakeSource, fakeTarget, supplier, supplierSchema } from './fakes.ts'
import { type Rig, rig } from './rig.ts'

/** What the target's tables hold survives the process: a line for each write and each mark. */
export async function openRun(folder: string, moment = '', time = 0): Promise<Rig> {
  let times = 0
  const at = (name: string) => {
    if (name === moment && ++times === time) process.kill(process.pid, 'SIGKILL')
  }
  const file = `${folder}/target.jsonl`
  const target = durable(file, at)
  const source = fakeSource({ supplier: { schema: supplierSchema, cursors: true } })
  for (let i = 0; i < 60; i++)
    source.put('supplier', supplier(`S${String(i).padStart(2, '0')}`, `name ${i}`), '2026-02-01T00:00:00Z')
  source.onPage(() => void at('page'))
  const made = await rig({
    entities: { supplier: { schema: supplierSchema } },
    source,
    targets: new Map([['supplier', target]]),
    file: `${folder}/ledger.db`,
  })
  const { commit, savePosition } = made.ledger
  made.ledger.commit = async (settled) => {
    await commit(settled)
    at('settled')
  }
  made.ledger.savePosition = async (...position) => {
    await savePosition(...position)
    at('position')
  }
  return made
}

function durable(file: string, at: (moment: string) => void): FakeTarget {
  const target = fakeTarget()
  const write = target.write
  const writeMark = target.writeMark
  if (existsSync(file))
    for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
      const { batch, mark } = JSON.parse(line) as { batch?: WriteBatch; mark?: Mark }
      if (batch) void write(batch, { signal: new AbortController().signal, waiting: () => undefined })
      if (mark) target.marks.splice(0, 1, mark)
    }
  target.batches.length = 0
  target.write = async (batch, context) => {
    at('send')
    appendFileSync(file, `${JSON.stringify({ batch })}\n`)
    at('committed')
    await write(batch, context)
  }
  target.writeMark = async (mark, context) => {
    at('mark')
    appendFileSync(file, `${JSON.stringify({ mark })}\n`)
    at('marked')
    await writeMark?.(mark, context)
  }
  return target
}

const [folder, moment, time] = process.argv.slice(2)
if (folder !== undefined && moment !== undefined && import.meta.main) {
  const r = await openRun(folder, moment, Number(time))
  await r.poll({ limits: { batchRows: 10 } })
  await r.close()
}
