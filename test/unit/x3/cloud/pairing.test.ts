import { equal, match, notEqual, throws } from 'node:assert/strict'
import { answerIn, newRequest, REQUEST_DAYS } from '../../../../nodes/x3/client/cloud/pairing.ts'

const asking = {
  ...{
    root: 'https://api.eu-sagex3.com/v1',
    clientId: 'tieout',
    customer: 'https://x3.example.com',
    scope: 'api.graphQL',
  },
  ...{ redirectUri: 'https://hub.example.com/tieout/x3/callback', by: 'anna', pkce: false },
}
const DAY = 86_400_000
const at = Date.parse('2026-03-10T09:00:00Z')

describe('what comes back of a pairing', () => {
  const asked = () => newRequest({ ...asking, now: at })
  const back = (state: string) => new URLSearchParams({ state, authorizationCode: 'C1' })

  it('is taken for 14 days by its state of 256 bits, and not a moment longer', () => {
    const { request } = asked()
    equal(Buffer.from(request.state, 'base64url').length, 32)
    equal(answerIn(back(request.state), request, at + REQUEST_DAYS * DAY).code, 'C1')
    throws(() => answerIn(back(request.state), request, at + REQUEST_DAYS * DAY + 1), {
      code: 'x3.pairing-late',
      message: /more than 14 days ago/,
    })
  })

  it("is refused under no state, another request's, or none that waits", () => {
    const [one, other] = [asked().request, asked().request]
    notEqual(one.state, other.state)
    for (const [state, request] of [
      ['', one],
      [other.state, one],
      [one.state, undefined],
    ] as const)
      throws(() => answerIn(back(state), request, at), { code: 'x3.pairing-state' })
  })

  it('says the words of a refusal', () => {
    const { request } = asked()
    const refused = new URLSearchParams({
      state: request.state,
      error: 'denied',
      error_description: 'No folder was chosen',
    })
    throws(
      () => answerIn(refused, request, at),
      (error: Error) => {
        match(error.message, /No folder was chosen/)
        return true
      },
    )
  })
})
