/** A process that commits batches until it is killed: says each batch after the commit, and each read number it was given. */
import { openLedger } from '../../ledger/open.ts'
import { address, commit, delivery, held, key } from './ledger.ts'

const [file = '', task = 'commit'] = process.argv.slice(2)
const ledger = await openLedger({ file, key })
await ledger.beginRun({ id: `r${process.pid}`, sync: 's', mode: 'poll', at: new Date().toISOString() })
const say = (text: string) => process.stdout.write(`${text}\n`)

if (task === 'claim') {
  await ledger.commit(commit({ held: [held('A', 1), held('B', 1)] }))
  await ledger.claimHeld({ sync: 's' }, 'replay-1')
  say('claimed')
  setInterval(() => undefined, 1000)
} else
  for (let batch = 0; ; batch++) {
    const read = ledger.nextRead()
    say(`read ${read}`)
    const deliveries = Array.from({ length: 50 }, (_, i) => delivery(`erp|${batch}-${i}`, read))
    const position = { identity: 'x', readThrough: String(batch), window: null }
    await ledger.commit(
      commit({
        run: `r${process.pid}`,
        batch,
        address,
        deliveries,
        outcomes: { delivered: 50 },
        position: { entity: 'supplier', position },
      }),
    )
    say(`batch ${batch}`)
  }
