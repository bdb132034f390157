// A real OpenID Connect provider on a free port of 127.0.0.1: `node provider.mjs SECRET BACK`.
//
// It prints its issuer. Whoever signs in is whom they say they are. POST /rotate lets it sign with another key from then on,
// POST /away and POST /back let it answer nothing for a while.

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

const [secret, back] = process.argv.slice(2)
const server = createServer()
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const issuer = `http://127.0.0.1:${server.address().port}`

async function make() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: 'RS256', use: 'sig' }
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'taizhang',
        client_secret: secret,
        redirect_uris: [`${back}/api/session/provider/return`],
        post_logout_redirect_uris: [`${back}/`],
      },
    ],
    cookies: { keys: [secret] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    jwks: { keys: [key] },
    pkce: { required: () => true },
  })
  return provider.callback()
}

let answer = await make()
let away = false
server.on('request', async (request, response) => {
  if (request.url === '/rotate') {
    answer = await make()
    response.end()
  } else if (request.url === '/away' || request.url === '/back') {
    away = request.url === '/away'
    response.end()
  } else if (away) {
    response.writeHead(502).end()
  } else {
    answer(request, response)
  }
})
console.log(issuer)
process.stdin.on('end', () => process.exit()).resume()
