/** What machines ask: whether the process lives, whether it can do its work, and how it goes in numbers. */
import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Request, Response } from 'express'
import type { NodeAPI } from 'node-red'
import { ledgersOf } from '../kit/kit.ts'
import { createMetrics } from './metrics.ts'

/** Whoever has it may read why the health is bad, and the numbers. */
const TOKEN = 'TIEOUT_METRICS_TOKEN'
const PROBE = 'tieout://health'
const PROBE_MS = 5000

/**
 * Routes without a login, under any `Host` (`login/admin.ts` lets them through): `GET /tieout/live` as long as the process turns,
 * `GET /tieout/health` while flows run and each ledger can be written (503 else), `GET /tieout/metrics` with the token.
 */
export function defineHealthRoutes(RED: NodeAPI): void {
  const token = fromEnv(TOKEN)
  let started = false
  RED.events.on('flows:started', () => {
    started = true
  })
  RED.events.on('flows:stopped', () => {
    started = false
  })
  const metrics = createMetrics(() => ledgersOf(RED, 'sync-ledger'))
  const allowed = (request: Request): boolean =>
    token !== undefined && token !== '' && isToken(request.headers.authorization ?? '', token)

  RED.httpAdmin.get('/tieout/live', (_request: Request, response: Response) => plain(response, 200, 'live'))
  RED.httpAdmin.get('/tieout/health', (request: Request, response: Response) => {
    void problemsOf(RED, started).then((problems) => {
      const word = problems.length === 0 ? 'ok' : 'not ready'
      plain(response, problems.length === 0 ? 200 : 503, allowed(request) ? [word, ...problems].join('\n') : word)
    })
  })
  RED.httpAdmin.get('/tieout/metrics', (request: Request, response: Response) => {
    if (!token) return plain(response, 404, `${TOKEN} is not set`)
    if (!allowed(request)) return plain(response, 401, 'Authorization: Bearer <token> is missing')
    metrics.text().then(
      (text) => response.set('Cache-Control', 'no-store').type(metrics.contentType).send(text),
      () => plain(response, 503, 'a ledger cannot be read'),
    )
  })
}

/** NAME, or the content of the file that NAME_FILE names (Docker secrets). It leaves the environment, which flows can read. */
function fromEnv(name: string): string | undefined {
  const { [`${name}_FILE`]: file, [name]: value } = process.env
  delete process.env[name]
  return file ? readFileSync(file, 'utf8').trim() : value
}

const plain = (response: Response, status: number, text: string): void =>
  void response.status(status).set('Cache-Control', 'no-store').type('text/plain').send(`${text}\n`)

/** In a time that does not tell how much of it was right. */
function isToken(header: string, token: string): boolean {
  const [given, wanted] = [Buffer.from(header), Buffer.from(`Bearer ${token}`)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Why no work can be done now. A sync that failed, or a system that is down, is none of it: restarting would not help. */
async function problemsOf(RED: NodeAPI, started: boolean): Promise<string[]> {
  const ledgers = [...ledgersOf(RED, 'sync-ledger')].map(async ([id, { engine }]) => {
    const write = async (): Promise<void> => (await engine.get()).ledger.saveNote(PROBE, new Date().toISOString())
    const late = new Promise<string>((resolve) => {
      setTimeout(resolve, PROBE_MS, `no answer in ${PROBE_MS / 1000} s`).unref()
    })
    const problem = await Promise.race([
      write().then(
        () => '',
        (error: Error) => error.message,
      ),
      late,
    ])
    return problem && `ledger ${RED.nodes.getNode(id)?.name || id} cannot be written: ${problem}`
  })
  const problems = (await Promise.all(ledgers)).filter(Boolean)
  return started ? problems : ['flows are not started', ...problems]
}
