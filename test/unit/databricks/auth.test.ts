import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type AuthOptions, createTokens, isRefusedClient } from '../../../nodes/databricks/client/auth.ts'
import type { Http, HttpReply, HttpRequest } from '../../../nodes/databricks/client/http.ts'
import { isSyncError } from '../../../sync/contract/errors.ts'

const oauth: AuthOptions = { kind: 'oauth', clientId: 'app-1', clientSecret: 's3cret&' }
const good = (token: string, seconds = 3600): HttpReply => ({
  status: 200,
  text: JSON.stringify({ access_token: token, expires_in: seconds }),
})

/** Answers in turn, and remembers what was asked. */
function fake(...replies: HttpReply[]): Http & { readonly asked: HttpRequest[] } {
  const asked: HttpRequest[] = []
  return {
    asked,
    async send(request) {
      asked.push(request)
      return replies.shift() ?? good(`token-${asked.length}`)
    },
    close: async () => undefined,
  }
}
const tokens = (http: Http, auth: AuthOptions = oauth) =>
  createTokens({ auth, workspace: 'https://adb-1.azuredatabricks.net', http })

describe('databricks tokens', () => {
  it('asks the workspace itself, with the client in the header', async () => {
    const http = fake()
    assert.equal(await tokens(http).get(), 'token-1')
    const [request] = http.asked
    assert.equal(request?.url, 'https://adb-1.azuredatabricks.net/oidc/v1/token')
    assert.equal(request?.headers.authorization, `Basic ${Buffer.from('app-1:s3cret&').toString('base64')}`)
    assert.equal(request?.body, 'grant_type=client_credentials&scope=all-apis')
  })

  it('asks Microsoft Entra ID where a tenant is given, of any cloud', async () => {
    const http = fake()
    await tokens(http, { ...oauth, azureTenant: 'my/tenant' }).get()
    await tokens(http, { ...oauth, azureTenant: 't', azureLogin: 'https://login.microsoftonline.us/' }).get()
    assert.equal(http.asked[0]?.url, 'https://login.microsoftonline.com/my%2Ftenant/oauth2/v2.0/token')
    assert.equal(http.asked[1]?.url, 'https://login.microsoftonline.us/t/oauth2/v2.0/token')
    const form = new URLSearchParams(String(http.asked[0]?.body))
    assert.equal(form.get('client_secret'), 's3cret&')
    assert.equal(form.get('scope'), '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default')
    assert.equal(http.asked[0]?.headers.authorization, undefined)
  })

  it('shares one request, keeps the token, and asks again after it was refused or where it lives too short', async () => {
    const http = fake()
    const source = tokens(http)
    assert.deepEqual(await Promise.all([source.get(), source.get()]), ['token-1', 'token-1'])
    assert.equal(await source.get(), 'token-1')
    source.drop(source.issued())
    assert.equal(await source.get(), 'token-2')
    const short = fake(good('a', 0.001), good('b', 3600))
    const brief = tokens(short)
    assert.equal(await brief.get(), 'a')
    const end = performance.now() + 5
    while (performance.now() < end);
    assert.equal(await brief.get(), 'b')
  })

  it('two requests refused with one dead token ask for one new token, not each for its own', async () => {
    const http = fake()
    const source = tokens(http)
    await source.get()
    const [first, second] = [source.issued(), source.issued()]
    source.drop(first)
    assert.equal(await source.get(), 'token-2')
    source.drop(second)
    assert.equal(await source.get(), 'token-2')
    assert.equal(http.asked.length, 2)
  })

  it('says what a refusal means, never the secret, and that asking again is of no use', async () => {
    const refusal = {
      status: 401,
      text: '{"error":"invalid_client","error_description":"Client authentication failed"}',
    }
    await assert.rejects(tokens(fake(refusal)).get(), (error: unknown) => {
      assert.ok(isSyncError(error) && isRefusedClient(error))
      assert.equal(error.cause.class, 'auth')
      assert.match(error.message, /app-1.*invalid_client.*new OAuth secret/)
      assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /s3cret/)
      return true
    })
    const odd = { status: 403, text: '<html>blocked</html>' }
    await assert.rejects(tokens(fake(odd)).get(), (error: unknown) => isSyncError(error) && !isRefusedClient(error))
  })

  it('takes a page in place of a token for a passing fault, and tries again', async () => {
    const http = fake({ status: 200, text: '<html>sign in</html>' })
    const source = tokens(http)
    await assert.rejects(source.get(), (error: unknown) => isSyncError(error) && error.cause.class === 'transient')
    assert.equal(await source.get(), 'token-2')
  })
})
