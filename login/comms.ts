/**
 * Guards the editor's websocket (`/comms`). Node-RED 5.0.7 ends with an unhandled exception at a frame such as `null`, before
 * any login, looks at no Origin, and sends debug output to everybody who may see a status; it offers no hook. So the upgrade of
 * the `ws` that its editor API loads is wrapped here. Each release of Node-RED is to be looked at again: the frames are in
 * test/runtime/login.test.ts.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NodeRedParts, Socket } from './node-red.ts'
import type { Asked } from './origins.ts'
import type { Sessions } from './sessions.ts'

/** Frames of the editor are a few hundred bytes. */
const MOST_BYTES = 64 * 1024
const MEMBERS = ['auth', 'subscribe', 'topic'] as const
/**
 * A subscription becomes a regular expression: no braces, which Node-RED does not escape, and few `+`, each of which multiplies
 * its work.
 */
const SUBSCRIPTION = /^(?!(?:[^+]*\+){4})[^{}]{1,200}$/
/** Seeing other editors' users is off in the settings, yet Node-RED listens, and ends at what it does not expect. */
const NOBODY_LISTENS = /^multiplayer\//
/** Whoever may only look gets no debug output: it is what the flows carry. */
const MAY_DEBUG = 'tieout.write'

interface Guard {
  /** Node-RED's httpAdminRoot, once it has read its settings. */
  readonly root: () => string | undefined
  readonly ws: NodeRedParts['ws']
  readonly covers: NodeRedParts['hasPermission']
  readonly sessions: Sessions
  readonly refused: (asked: Asked) => string | undefined
}

/** Wraps the upgrade, once for the process. */
export function guardComms(guard: Guard): void {
  const { prototype } = guard.ws.Server
  const upgrade = prototype.handleUpgrade
  prototype.handleUpgrade = function (request, socket, head, done) {
    const asked = request as IncomingMessage
    if (!isComms(asked.url ?? '', guard.root())) return upgrade.call(this, request, socket, head, done)
    const refusal = guard.refused(asked.headers)
    if (refusal !== undefined) {
      const refusing = socket as Duplex
      refusing.on('error', () => undefined)
      const about = `Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(refusal)}`
      refusing.end(`HTTP/1.1 403 Forbidden\r\n${about}\r\n\r\n${refusal}`)
      return
    }
    this.options.maxPayload = MOST_BYTES
    upgrade.call(this, request, socket, head, (opened, ...more) => {
      guardSocket(opened, guard, /^Bearer (.+)$/.exec(asked.headers.authorization ?? '')?.[1])
      done(opened, ...more)
    })
  }
}

/**
 * Node-RED takes the address apart by Node's old `url.parse`, which finds `/comms` in `//x@y/comms`, `/comms#x` and others. What
 * is not plainly another path is guarded.
 */
function isComms(address: string, root = '/'): boolean {
  const path = /^(\/(?!\/)[^?#\\\s]*)(?:\?|$)/.exec(address)?.[1]
  return path === undefined || path === `/${root}/comms`.replace(/\/+/g, '/')
}

/** Lets only frames in that the editor sends, and only out what the session behind the socket may see now. */
function guardSocket(socket: Socket, { sessions, covers }: Guard, given: string | undefined): void {
  const emit = socket.emit.bind(socket)
  const send = socket.send.bind(socket)
  let token = given
  const end = (): void => {
    send(JSON.stringify({ auth: 'fail' }))
    socket.close()
  }
  socket.emit = (event, ...args) => {
    if (event !== 'message') return emit(event, ...args)
    const frame = frameOf(args[0], args[1])
    if (frame === undefined) {
      socket.close(1008, 'not a frame of the editor')
      return true
    }
    if (frame.auth !== undefined) token = frame.auth
    else if (token !== undefined && sessions.find(token) === undefined) {
      end()
      return true
    }
    return emit(event, ...args)
  }
  socket.send = (data, ...more) => {
    if (token === undefined) return send(data, ...more)
    const user = sessions.find(token)
    if (user === undefined) return end()
    if (covers(user.permissions, MAY_DEBUG)) return send(data, ...more)
    const left = withoutDebug(data)
    if (left !== undefined) send(left, ...more)
  }
}

/** A frame as the editor sends it; undefined: it is none. */
function frameOf(data: unknown, isBinary: unknown): { readonly auth?: string } | undefined {
  // A text is a string in ws 7; later ones give a buffer and say that it is not binary.
  if (typeof data !== 'string' && isBinary !== false) return undefined
  let frame: unknown
  try {
    frame = JSON.parse(String(data))
  } catch {
    return undefined
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return undefined
  const given = MEMBERS.filter((name) => Object.hasOwn(frame, name)).map(
    (name) => (frame as Record<string, unknown>)[name],
  )
  if (given.length === 0 || !given.every((value) => typeof value === 'string' && value !== '')) return undefined
  const { auth, subscribe, topic } = frame as Partial<Record<(typeof MEMBERS)[number], string>>
  if ((subscribe && !SUBSCRIPTION.test(subscribe)) || (topic && NOBODY_LISTENS.test(topic))) return undefined
  return auth === undefined ? {} : { auth }
}

/** What is sent without messages of debug nodes; undefined: nothing is left. */
function withoutDebug(data: unknown): unknown {
  if (typeof data !== 'string') return data
  const messages: unknown = JSON.parse(data)
  if (!Array.isArray(messages)) return data
  const left = messages.filter((one: { topic?: unknown }) => !/^debug(\/|$)/.test(String(one?.topic)))
  return left.length === messages.length ? data : left.length > 0 ? JSON.stringify(left) : undefined
}
