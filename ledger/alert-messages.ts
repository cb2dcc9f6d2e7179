/** What recipients of alerts were told, and the messages on their way to them. */
import { type Database, prepared } from './database.ts'
import type { AlertMessage, AlertMessages, ToldCause } from './ledger.ts'

export interface AlertMessageBook {
  readonly topic: AlertMessages
  /** What nodes left behind that are gone: one that is there tells and sends anew before. */
  purge(before: string): void
}

export function createAlertMessages(db: Database): AlertMessageBook {
  const { causes, tell, forget, add, list, end, delay, note, forgetOld, endOld } = prepared(db, {
    causes: 'SELECT cause, alerts, began, told, facts FROM told_cause WHERE recipient = ? ORDER BY began, cause',
    tell: `INSERT INTO told_cause (recipient, cause, alerts, began, told, facts) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET alerts = excluded.alerts, told = excluded.told, facts = excluded.facts`,
    forget: 'DELETE FROM told_cause WHERE recipient = ? AND cause = ?',
    add: 'INSERT INTO alert_message (id, recipient, message, at, due) VALUES (?, ?, ?, ?, ?)',
    list: 'SELECT * FROM alert_message WHERE recipient = ? ORDER BY at, rowid',
    end: 'DELETE FROM alert_message WHERE id = ?',
    delay: 'UPDATE alert_message SET due = ?, problem = ?, tries = tries + 1 WHERE id = ?',
    forgetOld: 'DELETE FROM told_cause WHERE told < ?',
    endOld: 'DELETE FROM alert_message WHERE at < ?',
    note: 'INSERT INTO note VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text',
  })
  const topic: AlertMessages = {
    toldCauses: async (recipient) =>
      db
        .guard(() => causes.all(recipient))
        .map((row) => {
          const { alerts, ...rest } = row as unknown as ToldCause & { alerts: string }
          return { ...rest, alerts: JSON.parse(alerts) as string[] }
        }),
    async tellCauses(recipient, { told, over, messages, note: moved }) {
      db.tx(() => {
        for (const one of over) forget.run(recipient, one)
        for (const { cause, alerts, began, told: at, facts } of told)
          tell.run(recipient, cause, JSON.stringify(alerts), began, at, facts)
        for (const { id, message, at } of messages) add.run(id, recipient, message, at, at)
        if (moved) note.run(moved.address, moved.text)
      })
    },
    alertMessages: async (recipient) =>
      db
        .guard(() => list.all(recipient))
        .map((row) => {
          const { problem, ...rest } = row as unknown as Omit<AlertMessage, 'problem'> & { problem: string | null }
          return { ...rest, ...(problem === null ? {} : { problem }) }
        }),
    async endAlertMessage(id) {
      db.guard(() => end.run(id))
    },
    async delayAlertMessage(id, { due, problem }) {
      db.guard(() => delay.run(due, problem, id))
    },
  }
  return {
    topic,
    purge(before) {
      db.guard(() => forgetOld.run(before))
      db.guard(() => endOld.run(before))
    },
  }
}
