/** What is said of a cause, before it takes the form of mail or chat. Pure. */
import type { Cause } from './causes.ts'

/** A message as plain texts; whoever sends it puts them into its form. */
export interface Message {
  readonly state: 'begins' | 'lasts' | 'over' | 'summary' | 'test'
  /** One line. */
  readonly title: string
  /** Labels and values, a line each. */
  readonly facts: readonly (readonly [label: string, value: string])[]
  /** May have several lines. */
  readonly text: string
  readonly next?: string
  readonly link?: string
}

const STATES = { begins: '', lasts: 'Still: ', over: 'Over: ' } as const

/** @param now ISO time of the message */
export function causeMessage(state: keyof typeof STATES, cause: Cause, now: string, link: string | undefined): Message {
  const { about, title, code, syncs, entities, since, text, next } = cause
  return {
    state,
    title: `${STATES[state]}${about}: ${title}`,
    facts: [
      ...(entities.length > 0 ? [[entities.length === 1 ? 'Entity' : 'Entities', entities.join(', ')] as const] : []),
      ...(syncs.join() === about ? [] : [[syncs.length === 1 ? 'Sync' : 'Syncs', syncs.join(', ')] as const]),
      ['Since', timeText(since)],
      ...(state === 'over' ? [['Until', timeText(now)] as const] : []),
      ...(code === undefined ? [] : [['Code', code] as const]),
    ],
    text,
    ...(state === 'over' ? {} : { next }),
    ...(link === undefined ? {} : { link: placeOf(link, cause) }),
  }
}

/** What *Send a test* sends. */
export const testMessage = (name: string, link: string | undefined): Message => ({
  state: 'test',
  title: `A test of ${name}`,
  facts: [['Sent by', name]],
  text: 'This is a test. Alerts of Tieout will arrive here.',
  ...(link === undefined ? {} : { link }),
})

const format = new Intl.DateTimeFormat('en-GB', {
  ...{ year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
})

/** `30 Nov 2026, 19:04 UTC`: in the time zone of this machine (TZ). */
export const timeText = (iso: string): string => format.format(new Date(iso))

/** The editor, with the list of the sidebar in front in which a cause is answered: `.../#tieout/held?sync=x3`. */
function placeOf(link: string, { view = 'alerts', syncs }: Cause): string {
  const query = syncs.length === 1 ? `?${new URLSearchParams(syncs.map((sync) => ['sync', sync]))}` : ''
  return Object.assign(new URL(link), { hash: `tieout/${view}${query}` }).href
}

/** The first address of TIEOUT_PUBLIC_URL, by which people reach the editor. */
export const linkOf = (publicUrls: string | undefined): string | undefined =>
  publicUrls?.split(/[\s,]+/).find((text) => /^https?:\/\//i.test(text) && URL.canParse(text))
