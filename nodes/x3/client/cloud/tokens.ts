/**
 * The rotating login of one paired X3, for all who use it: renewed once at a time, stored before it is used. A refresh token
 * is used up by the gateway's answer, not by our receipt of it; no client can close that window, so each step of it is on disk.
 */
import { isSyncError, type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import { orAborted } from '../../../../vendor/attempts.ts'
import { DAY_MS, endOf, endsSoon, type Granted, isFresh, type Pair, pairFrom } from './pair.ts'

/** Where pairs are kept: a topic of the ledger. */
export interface TokenStore {
  token(name: string): Promise<{ readonly version: number; readonly text: string; readonly noted?: number } | undefined>
  noteRenewal(name: string, version: number): Promise<void>
  saveToken(name: string, version: number, text: string): Promise<'ledger' | 'beside'>
  forgetToken(name: string): Promise<void>
  /** The highest version that was ever stored here. */
  highestToken(name: string): Promise<number>
  /** Why a renewal needs a person's word first: the store is an old copy or another installation's. */
  tokenDoubt(name: string, version: number): Promise<string | undefined>
}

/** What the one who asks for a token brings: whoever is there renews for all. */
export interface Ways {
  readonly store: () => Promise<TokenStore>
  /** Asks the gateway for a new pair, once; its errors are those of `askTokens`. */
  readonly ask: (refreshToken: string, root: string) => Promise<Granted>
  /** Raises (text) or clears (undefined) the connection's alert. */
  readonly alert: (problem: string | undefined) => Promise<void>
  readonly now: () => number
  /** Waits before the last attempt after a lost reply. */
  readonly pause: (ms: number) => Promise<void>
}

export interface CloudLogin {
  /** The pair to use now, renewed where it is due. `refused`: an access token that has just been refused. */
  pair(ways: Ways, signal: AbortSignal, refused?: string): Promise<Pair>
  /** A request with this access token was answered: the pair before is not needed any more. */
  worked(ways: Ways, accessToken: string): void
  /** Takes a new pairing in the place of the old one. */
  adopt(ways: Ways, granted: Granted, by: string, root: string): Promise<Pair>
  /** A person says that the stored pair counts, though the ledger looks like an old copy. */
  keep(ways: Ways): Promise<Pair>
  /** Why a person is asked before a renewal; undefined: nothing is in doubt. */
  doubt(ways: Ways): Promise<string | undefined>
  /** What is stored; nothing is renewed. */
  look(ways: Ways): Promise<Pair | undefined>
  /** That it ends soon or is lost, as far as is known. */
  warning(now: number): string | undefined
  /** Once in a while, also when nobody reads: renews a pair that was idle for a day, and tells of one that ends soon. */
  tend(ways: Ways): Promise<void>
  /** Resolves when no renewal is on its way: an answer that nobody waits for is lost. */
  idle(): Promise<void>
}

/** Before the last attempt after a lost reply: gateways that bear a second use do so for half a minute. */
const LAST_ATTEMPT_MS = 30_000

/** What a process knows of a pair. */
interface Kept {
  readonly name: string
  pair: Pair | undefined
  /** A renewal was begun and its answer never came. */
  isDoubtful: boolean
  /** The pair could not be stored: memory knows better than the disk. */
  isUnstored: boolean
}

/** `name`: under which the pair is kept. */
export function createCloudLogin(name: string): CloudLogin {
  const kept: Kept = { name, pair: undefined, isDoubtful: false, isUnstored: false }
  let work: Promise<unknown> = Promise.resolve()

  /** One after another, whoever asks. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = work.then(task, task)
    work = mine.catch(() => undefined)
    return mine
  }

  return {
    async pair(ways, signal, refused) {
      if (kept.pair && isUsable(kept, kept.pair, ways.now(), refused)) return kept.pair
      return orAborted(
        inTurn(() => due(kept, ways, refused)),
        signal,
      )
    },
    worked(ways, accessToken) {
      const { pair } = kept
      if (pair?.accessToken !== accessToken || pair.before === undefined) return
      const { before: _before, ...proved } = pair
      kept.pair = proved
      void inTurn(async () => {
        if (kept.pair !== proved || kept.isUnstored) return
        await (await ways.store()).saveToken(name, proved.version, JSON.stringify(proved))
      }).catch(() => undefined)
    },
    adopt: (ways, granted, by, root) => inTurn(() => adopt(kept, ways, granted, by, root)),
    keep: (ways) => inTurn(() => keep(kept, ways)),
    async doubt(ways) {
      const store = await ways.store()
      const now = await load(kept, store)
      return now && !now.lost ? store.tokenDoubt(name, now.version) : undefined
    },
    warning: (now) => (kept.pair?.lost ? lostError(kept.pair).message : kept.pair && endsSoon(kept.pair, now)),
    look: async (ways) => load(kept, await ways.store()),
    tend: (ways) => inTurn(() => tend(kept, ways)),
    idle: async () => void (await work),
  }
}

const isUsable = (kept: Kept, pair: Pair, now: number, refused: string | undefined): boolean =>
  !pair.lost && !kept.isDoubtful && pair.accessToken !== refused && isFresh(pair, now)

async function load(kept: Kept, store: TokenStore): Promise<Pair | undefined> {
  const stored = await store.token(kept.name)
  const found = stored && pairFrom(stored.text)
  if (found && stored.version > (kept.pair?.version ?? 0)) {
    kept.pair = { ...found, version: stored.version }
    kept.isDoubtful = stored.noted !== undefined && stored.noted >= stored.version
    kept.isUnstored = false
  }
  return kept.pair
}

async function save(kept: Kept, ways: Ways, store: TokenStore, next: Pair): Promise<Pair> {
  kept.pair = next
  kept.isDoubtful = false
  try {
    const where = await store.saveToken(kept.name, next.version, JSON.stringify(next))
    kept.isUnstored = false
    if (where === 'beside') await tell(ways, besideText)
    else if (!next.lost) await tell(ways, endsSoon(next, ways.now()))
  } catch (error) {
    kept.isUnstored = true
    await tell(ways, unstoredText(error))
  }
  return next
}

async function lose(kept: Kept, ways: Ways, store: TokenStore, of: Pair, why: string): Promise<never> {
  const lost = await save(kept, ways, store, { ...of, version: of.version + 1, lost: { at: ways.now(), why } })
  const error = lostError(lost)
  await tell(ways, error.message)
  throw error
}

async function renew(kept: Kept, ways: Ways, store: TokenStore, of: Pair): Promise<Pair> {
  const doubt = await store.tokenDoubt(kept.name, of.version)
  if (doubt) throw restoredError(doubt)
  // Without a note, a process that dies now would not know that its refresh token is used up.
  if (!kept.isUnstored) await store.noteRenewal(kept.name, of.version)
  const doubtful = (): void => {
    kept.isDoubtful = true
  }
  const granted = await ladder(ways, of, kept.isDoubtful, doubtful).catch(async (error: unknown) => {
    if (isRefused(error)) return await lose(kept, ways, store, of, (error as Error).message.replace(/\.$/, ''))
    await tell(ways, failedText(error))
    throw error
  })
  const { accessToken, accessSeconds, refreshEnds } = granted
  const { refreshEnds: _ended, ...same } = of
  return save(kept, ways, store, {
    ...same,
    ...{ version: of.version + 1, accessToken, accessSeconds, received: ways.now(), before: of.refreshToken },
    refreshToken: granted.refreshToken || of.refreshToken,
    ...(refreshEnds === undefined ? {} : { refreshEnds }),
  })
}

async function due(kept: Kept, ways: Ways, refused: string | undefined): Promise<Pair> {
  const store = await ways.store()
  const now = await load(kept, store)
  if (!now) throw unpairedError()
  if (now.lost) throw lostError(now)
  // The disk may take it by now.
  if (kept.isUnstored) await save(kept, ways, store, now)
  return isUsable(kept, now, ways.now(), refused) ? now : renew(kept, ways, store, now)
}

async function adopt(kept: Kept, ways: Ways, granted: Granted, by: string, root: string): Promise<Pair> {
  const store = await ways.store()
  const old = await load(kept, store)
  const at = ways.now()
  const { accessToken, refreshToken, accessSeconds, refreshEnds } = granted
  return save(kept, ways, store, {
    ...{ version: await nextVersion(kept, store, old), accessToken, refreshToken, accessSeconds, received: at },
    ...{ pairedAt: at, pairedBy: by, root },
    ...(refreshEnds === undefined ? {} : { refreshEnds }),
  })
}

/** Above whatever this installation has stored: a person's word ends the doubt about an old copy. */
const nextVersion = async ({ name }: Kept, store: TokenStore, old: Pair | undefined): Promise<number> =>
  Math.max(old?.version ?? 0, await store.highestToken(name)) + 1

async function keep(kept: Kept, ways: Ways): Promise<Pair> {
  const store = await ways.store()
  const now = await load(kept, store)
  if (!now) throw unpairedError()
  return save(kept, ways, store, { ...now, version: await nextVersion(kept, store, now) })
}

async function tend(kept: Kept, ways: Ways): Promise<void> {
  const store = await ways.store()
  const now = await load(kept, store)
  if (!now) return
  if (now.lost) return tell(ways, lostError(now).message)
  if (kept.isDoubtful || Math.abs(ways.now() - now.received) >= DAY_MS) await renew(kept, ways, store, now)
  else if (!kept.isUnstored) await tell(ways, endsSoon(now, ways.now()))
}

/**
 * Asks for the next pair. After an answer that never came: once more at once with the same refresh token, and after 30 s; a
 * refusal is the last word, but where the pair before may still be the one that counts.
 */
async function ladder(ways: Ways, of: Pair, isDoubtful: boolean, doubtful: () => void): Promise<Granted> {
  try {
    return await asked(ways, of.refreshToken, of.root, isDoubtful, doubtful)
  } catch (error) {
    if (of.before === undefined || !isRefused(error)) throw error
    return await asked(ways, of.before, of.root, true, doubtful).catch((second: unknown) => {
      // Why the one that should count was refused says more.
      throw isRefused(second) ? error : second
    })
  }
}

const isRefused = (error: unknown): boolean => isSyncError(error) && error.code === 'x3.token-refused'

async function asked(
  ways: Ways,
  token: string,
  root: string,
  isRepeat: boolean,
  doubtful: () => void,
): Promise<Granted> {
  // One that was in doubt before has had its first attempt.
  for (let attempt = isRepeat ? 2 : 1; ; attempt++) {
    try {
      return await ways.ask(token, root)
    } catch (error) {
      if (!isSyncError(error) || error.cause.class !== 'unknown-outcome') throw error
      doubtful()
      if (attempt === 3) throw unansweredError(error)
      if (attempt === 2) await ways.pause(LAST_ATTEMPT_MS)
    }
  }
}

const tell = (ways: Ways, problem: string | undefined): Promise<void> => ways.alert(problem).catch(() => undefined)

/** The state of a pairing, for *Test connection* and the dialog. */
export function pairingWords(pair: Pair | undefined, now: number): { readonly ok: boolean; readonly text: string } {
  if (!pair) return { ok: false, text: unpairedError().message }
  if (pair.lost) return { ok: false, text: lostError(pair).message }
  const { words } = endOf(pair, now)
  return { ok: true, text: `Paired by ${pair.pairedBy} on ${day(pair.pairedAt)}, version ${pair.version}. ${words}.` }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const minute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const HOW_TO_PAIR = 'Press Connect on the connection, and have a user of X3 accept.'

const unpairedError = (): SyncError =>
  syncError('config', 'x3.unpaired', 'This connection is not paired with X3 in the cloud yet', { hint: HOW_TO_PAIR })

function lostError({ lost, pairedAt, pairedBy }: Pair): SyncError {
  const at = lost ? ` at ${minute(lost.at)}` : ''
  return syncError(
    'config',
    'x3.pairing-lost',
    `The pairing with X3 in the cloud was lost${at}: ${lost?.why ?? ''}. It was made by ${pairedBy} on ${day(pairedAt)}. Nothing is lost meanwhile: the next run goes on where the last one ended`,
    { hint: HOW_TO_PAIR },
  )
}

const unansweredError = (error: SyncError): SyncError =>
  syncError('transient', 'x3.token-unanswered', `${error.message}, three times`, {
    ...(error.cause.vendorText ? { vendorText: error.cause.vendorText } : {}),
    hint: 'The next run asks again with the same token. If it stays: look at the gateway and at the line to it.',
  })

const restoredError = (why: string): SyncError =>
  syncError('config', 'x3.token-restored', `The login of X3 in the cloud is not renewed: ${why}`, {
    hint: 'A renewal from an old copy would end the pairing that another copy uses. Press Connect on the connection and choose what to do.',
  })

const besideText =
  'The ledger could not store the new tokens of X3 in the cloud: they stand sealed in the file beside it, which the next start reads first. Look at the disk of the ledger.'
const unstoredText = (error: unknown): string =>
  `The new tokens of X3 in the cloud could not be stored, and are in memory only: if Node-RED ends now, the pairing is lost. Look at the disk of the ledger. (${error instanceof Error ? error.message : String(error)})`
const failedText = (error: unknown): string =>
  `The login of X3 in the cloud could not be renewed: ${error instanceof Error ? error.message : String(error)}`
