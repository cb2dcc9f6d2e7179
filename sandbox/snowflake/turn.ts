import type { Session } from './account.ts'

/** Runs the session's statements one after the other. */
export async function inTurn<T>(session: Session, action: () => Promise<T>): Promise<T> {
  session.busy += 1
  const turn = session.last.catch(() => undefined).then(action)
  session.last = turn
  try {
    return await turn
  } finally {
    session.busy -= 1
    session.lastUsed = Date.now()
  }
}
