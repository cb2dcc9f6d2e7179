/** Requests that Node-RED's admin API must not see, and who else may answer them. */
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express'

export interface Refusal {
  readonly status: number
  readonly text: string
}

/** What no editor sends, and what Node-RED may end of; undefined: there is nothing of that kind. */
export function oddityOf({ query }: Request): string | undefined {
  if (query.access_token !== undefined)
    return 'A token in the address is not taken: it ends in logs. Send it as "Authorization: Bearer".'
  const several = Object.keys(query).find((name) => typeof query[name] !== 'string')
  if (several !== undefined) return `"${several}" stands in the address more than once, or with brackets.`
  if (query.lng !== undefined && !isLanguage(String(query.lng))) return 'lng must be a language such as en-US.'
  return undefined
}

/** Node-RED keeps texts by language in plain objects: it ends at one that is named like a member of every object. */
const isLanguage = (text: string): boolean => /^(\*|[a-z]{1,3}(-[a-z0-9]{1,8})*)$/i.test(text)

/** Headers as Node-RED can take them: it asks us whose a token is only behind `Bearer`, written so. */
export function mend({ headers }: Request): void {
  if (headers.authorization) headers.authorization = headers.authorization.replace(/^bearer /i, 'Bearer ')
  const languages = headers['accept-language']?.split(',').map((one) => one.split(';')[0]?.trim() ?? '')
  if (languages && !languages.every(isLanguage)) delete headers['accept-language']
}

/**
 * Makes what sends a refused request past the admin API. The flows' own addresses (`http in`) stand under the same root and
 * answer it as any other; where none does, the refusal is told.
 */
export function passerBy(): (request: Request, response: Response, next: NextFunction, refusal: Refusal) => void {
  const refused = new WeakMap<Request, Refusal>()
  const apps = new WeakSet<Express>()
  const tell = (response: Response, { status, text }: Refusal): void =>
    void response.status(status).type('text/plain').send(`${text}\n`)
  const last: RequestHandler = (request, response, next) => {
    const refusal = refused.get(request)
    if (refusal) tell(response, refusal)
    else next()
  }
  return (request, response, next, refusal) => {
    const { parent } = request.app as Express & { parent?: Express }
    if (!parent) return tell(response, refusal)
    // Behind everything that could answer: by the first request all of it is in its place.
    if (!apps.has(parent)) parent.use(last)
    apps.add(parent)
    refused.set(request, refusal)
    next('router')
  }
}
