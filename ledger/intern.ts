/** Long texts that come again and again, kept once: addresses, runs, schemas. */
import { type Database, prepared } from './database.ts'

export interface Intern {
  /** Number of an address; made when `create`, else 0 for an unknown one. */
  address(address: string, create: boolean): number
  run(id: string, sync: string): number
  runId(seq: number): string
  shape(json: string): number
  shapeJson(id: number): string
  /** What was kept may be wrong (a transaction was rolled back, an address was cleared). */
  forget(): void
}

const most = 1000

export function createIntern(db: Database, at: () => string): Intern {
  const kept = new Map<string, number | string>()
  const keep = <T extends number | string>(name: string, find: () => T): T => {
    const known = kept.get(name) as T | undefined
    if (known !== undefined) return known
    const found = find()
    if (found === 0 || found === '') return found
    if (kept.size >= most) kept.clear()
    kept.set(name, found)
    return found
  }
  const one = <T>(row: unknown, column: string, none: T): T =>
    ((row as Record<string, T> | undefined)?.[column] ?? none) as T
  const { addressId, addAddress, runSeq, runName, addRun, shapeId, shapeText, addShape } = prepared(db, {
    addressId: 'SELECT id FROM address WHERE address = ?',
    addAddress: 'INSERT INTO address (address) VALUES (?) ON CONFLICT DO NOTHING',
    runSeq: 'SELECT seq FROM run WHERE id = ?',
    runName: 'SELECT id FROM run WHERE seq = ?',
    addRun: "INSERT INTO run (id, sync, mode, state, started) VALUES (?, ?, 'part', 'part', ?) ON CONFLICT DO NOTHING",
    shapeId: 'SELECT id FROM shape WHERE json = ?',
    shapeText: 'SELECT json FROM shape WHERE id = ?',
    addShape: 'INSERT INTO shape (json) VALUES (?) ON CONFLICT DO NOTHING',
  })
  return {
    address: (address, create) =>
      keep(`a${address}`, () => {
        if (create) addAddress.run(address)
        return one(addressId.get(address), 'id', 0)
      }),
    run: (id, sync) =>
      keep(`r${id}`, () => {
        const known = one(runSeq.get(id), 'seq', 0)
        if (known) return known
        addRun.run(id, sync, at())
        return one(runSeq.get(id), 'seq', 0)
      }),
    runId: (seq) => keep(`s${seq}`, () => one(runName.get(seq), 'id', '')),
    shape: (json) =>
      keep(`j${json}`, () => {
        addShape.run(json)
        return one(shapeId.get(json), 'id', 0)
      }),
    shapeJson: (id) => one(shapeText.get(id), 'json', '{}'),
    forget: () => kept.clear(),
  }
}
