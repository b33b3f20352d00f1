/**
 * A serverless platform: calls the functions that the module FUNCTION exports, each as its platform would. `POST /`: by
 * method, with a Request. `POST /lambda`: `handler` with an event of payload format 2.0. `GET /cron`: `cron`.
 */
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'

const { handler, cron, ...methods } = await import(process.env.FUNCTION)

const server = createServer(async (req, res) => {
  const body = await buffer(req)
  const url = new URL(req.url, `http://${req.headers.host}`)
  const hasBody = req.method !== 'GET' && req.method !== 'HEAD'
  const request = new Request(url, { method: req.method, headers: req.headers, ...(hasBody ? { body } : {}) })
  if (url.pathname === '/lambda') {
    const { statusCode, headers, body: text } = await handler(eventOf(req, url, body))
    res.writeHead(statusCode, headers).end(text)
    return
  }
  const response = url.pathname === '/cron' ? await cron(request) : await methods[req.method](request)
  res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('waiting for invocations'))
process.once('SIGTERM', () => server.close())

const eventOf = ({ method, headers }, { pathname, search, hostname }, body) => ({
  version: '2.0',
  rawPath: pathname,
  rawQueryString: search.slice(1),
  headers,
  requestContext: { domainName: hostname, http: { method } },
  isBase64Encoded: true,
  ...(body.length > 0 ? { body: body.toString('base64') } : {}),
})
