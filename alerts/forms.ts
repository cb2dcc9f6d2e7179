/** A message in the forms of mail and chats. Texts of vendors stand in it: each form has its own signs, and none may be taken for one. Pure. */
import type { Message } from './message.ts'

/** Longest text; chats refuse longer ones. */
const MOST = 2800
const LINE = 300

/** Letters that end a line, turn the writing round or are not seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu
const oneLine = (text: string, most = LINE): string => cut(text.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim(), most)
const lines = (text: string): string =>
  cut(
    text
      .split('\n')
      .map((line) => oneLine(line, MOST))
      .join('\n'),
    MOST,
  )
const cut = (text: string, most: number): string => {
  const letters = [...text]
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text
}

/** Everything as text that no form needs to fear for its lines or its length. */
function tidy({ title, facts, text, next, ...rest }: Message): Message {
  return {
    ...rest,
    title: oneLine(title, 140),
    facts: facts.map(([label, value]) => [label, oneLine(value, 1000)]),
    text: lines(text),
    ...(next === undefined ? {} : { next: lines(next) }),
  }
}

export interface MailForm {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const NEXT = 'Next step'

export function mailForm(message: Message): MailForm {
  const { title, facts, text, next, link } = tidy(message)
  const parts = [
    text,
    facts.map(([label, value]) => `${label}: ${value}`).join('\n'),
    next && `${NEXT}: ${next}`,
    link,
  ].filter(Boolean)
  const rows = facts.map(([label, value]) => `<tr><th align="left">${html(label)}</th><td>${html(value)}</td></tr>`)
  const body = [
    `<h2>${html(title)}</h2>`,
    `<p>${html(text).replaceAll('\n', '<br>')}</p>`,
    `<table cellpadding="4">${rows.join('')}</table>`,
    next && `<p><b>${NEXT}:</b> ${html(next).replaceAll('\n', '<br>')}</p>`,
    link && `<p><a href="${html(link)}">${html(link)}</a></p>`,
  ].filter(Boolean)
  return {
    subject: `Tieout: ${title}`,
    text: `${parts.join('\n\n')}\n`,
    html: `<!DOCTYPE html><html lang="en"><body style="font-family: sans-serif">${body.join('')}</body></html>`,
  }
}

const html = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

/** Slack: plain text only, whose `&`, `<` and `>` it takes for its own even there (links, mentions of everybody). */
export function slackForm(message: Message): object {
  const { title, facts, text, next, link } = tidy(message)
  const plain = (words: string) => ({ type: 'plain_text', text: slack(words), emoji: false })
  const section = (words: string) => ({ type: 'section', text: plain(words) })
  return {
    text: slack(title),
    blocks: [
      { type: 'header', text: plain(cut(title, 100)) },
      section(text),
      ...(facts.length > 0
        ? [{ type: 'section', fields: facts.map(([label, value]) => plain(`${label}: ${value}`)) }]
        : []),
      ...(next ? [section(`${NEXT}: ${next}`)] : []),
      ...(link ? [{ type: 'actions', elements: [{ type: 'button', text: plain('Open Tieout'), url: link }] }] : []),
    ],
  }
}

/** A text of 2800 letters may become five times as long: no text of a block may have more than 3000. */
const slack = (text: string): string => {
  const whole = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return whole.length <= 2950 ? whole : `${whole.slice(0, 2950).replace(/&[a-z]*$/, '')}…`
}

/** Teams, by its Workflows: an Adaptive Card. Only runs of a RichTextBlock are taken as they are; a TextBlock reads Markdown. */
export function teamsForm(message: Message): object {
  const { title, facts, text, next, link } = tidy(message)
  const run = (words: string, more: object = {}) => ({ type: 'TextRun', text: unfunctioned(words), ...more })
  const block = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines })
  const bold = { weight: 'bolder' }
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            block(run(title, { ...bold, size: 'medium' })),
            ...text.split('\n').map((line) => block(run(line))),
            ...facts.map(([label, value]) => block(run(`${label}: `, bold), run(value))),
            ...(next ? [block(run(`${NEXT}: `, bold), run(next))] : []),
          ],
          ...(link ? { actions: [{ type: 'Action.OpenUrl', title: 'Open Tieout', url: link }] } : {}),
        },
      },
    ],
  }
}

/** `{{DATE(...)}}` is a function of cards. */
const unfunctioned = (text: string): string => text.replaceAll('{{', '{ {')

/** Plain JSON, for whatever takes it. `id` is the same for each try of one message. */
export function jsonForm(message: Message, id: string): object {
  const { facts, ...rest } = tidy(message)
  return { id, ...rest, facts: Object.fromEntries(facts) }
}
