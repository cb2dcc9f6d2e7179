/** Messages to web hooks: Slack, the Workflows of Teams, anything that takes JSON. */
import { syncError } from '../sync/contract/errors.ts'
import { readReason } from '../vendor/answers.ts'
import { dispatcherOf } from '../vendor/dispatcher.ts'
import { bytesOf, exchange } from '../vendor/http.ts'
import { connectionError } from '../vendor/network-error.ts'
import { jsonForm, slackForm, teamsForm } from './forms.ts'
import { type HookWay, hookUrl, type Outgoing, type Way } from './way.ts'

const NAMES = { slack: 'Slack', teams: 'Teams', json: 'the web hook' } as const
const ANSWER_BYTES = 64 * 1024

export async function sendHook(
  way: Extract<Way, HookWay>,
  { id, message }: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const { kind, route, timeoutMs, totalMs } = way
  const url = hookUrl(way)
  const vendor = NAMES[kind]
  const body = kind === 'slack' ? slackForm(message) : kind === 'teams' ? teamsForm(message) : jsonForm(message, id)
  const dispatcher = dispatcherOf(route, { timeoutMs, connections: 1 })
  try {
    await exchange(
      {
        ...{ url, method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
        ...{ dispatcher, signal, idleMs: timeoutMs, totalMs },
      },
      async (reply) => {
        const text = (await bytesOf(reply, ANSWER_BYTES)).toString('utf8')
        if (reply.status >= 200 && reply.status < 300) return
        throw refused(vendor, reply.status, readReason(text))
      },
    )
  } catch (error) {
    const words = {
      ...{ prefix: 'alert', vendor, addressHint: 'Check the web hook of the alert channel' },
      ...{ refusedHint: 'Check the address of the web hook.', slowHint: 'It is tried again.' },
      ...({ sizeClass: 'transient', sizeHint: 'Its answer was not read.' } as const),
    }
    throw await connectionError(error, words, { url: url.origin, route, what: `Sending to ${vendor}`, timeoutMs })
  } finally {
    await dispatcher.destroy()
  }
}

function refused(vendor: string, status: number, reason: string) {
  const again = status === 408 || status === 429 || status >= 500
  const gone = status === 401 || status === 403 || status === 404 || status === 410
  return syncError(
    again ? (status === 429 ? 'throttled' : 'transient') : 'config',
    `alert.${status}`,
    `Sending to ${vendor}: refused with HTTP ${status}${reason ? ` (${reason})` : ''}.`,
    {
      httpStatus: status,
      hint: again
        ? 'It is tried again.'
        : gone
          ? 'The web hook was removed or its address is wrong: make a new one there and put it into the alert channel.'
          : 'Check which kind of web hook it is: Slack, Teams Workflows or plain JSON.',
    },
  )
}
