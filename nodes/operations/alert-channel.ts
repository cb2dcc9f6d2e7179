/** alert-channel: the mail server or web hook by which sync-alert nodes send; what lets anybody write there is kept here, once. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { linkOf, testMessage } from '../../alerts/message.ts'
import { check, send } from '../../alerts/send.ts'
import type { Way } from '../../alerts/way.ts'
import { defineConnection, field, routeFields, routeOf, routeSecrets } from '../kit/kit.ts'

const config = z.object({
  kind: field.choice(['mail', 'slack', 'teams', 'json']),
  host: field.optional(),
  port: field.number(587, 1, 65_535),
  noTls: field.flag(),
  user: field.optional(),
  from: field.optional(),
  ...routeFields({ value: 30, min: 1, max: 900 }),
})
const credentials = z.object({ password: field.secret(), url: field.optional(), ...routeSecrets })

export default function (RED: NodeAPI): void {
  const wayOf = async (own: z.output<typeof config>, secrets: z.output<typeof credentials>): Promise<Way> => {
    const route = await routeOf(own, secrets)
    const common = { noTls: own.noTls, route, timeoutMs: route.timeoutMs, totalMs: route.totalMs }
    if (own.kind !== 'mail') return { kind: own.kind, url: secrets.url, ...common }
    const { host, port, user, from } = own
    return { kind: 'mail', host, port, user, password: secrets.password, from, ...common }
  }

  defineConnection(RED, {
    type: 'alert-channel',
    version: 1,
    config,
    credentials,
    open: wayOf,
    test: async (own, secrets, { signal }) => [{ ok: true, text: await check(await wayOf(own, secrets), signal) }],
    actions: {
      async send(own, secrets, { signal, name, query }) {
        const to = field.list().parse(query.to ?? '')
        const way = await wayOf(own, secrets)
        const message = testMessage(query.name || name, linkOf(process.env.TIEOUT_PUBLIC_URL))
        await send(way, { id: crypto.randomUUID(), message, to }, signal)
        return { text: way.kind === 'mail' ? `Sent to ${to.join(', ')}.` : 'Sent.' }
      },
    },
  })
}
