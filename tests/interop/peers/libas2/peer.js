// An AS2 peer made of libas2: `node peer.js CONFIG.json`, a process of its own.
// It takes messages at any path of its port, for any AS2 name, and sends what it is told to, one line of JSON a command.
// NODE_PATH leads to where libas2 is installed.
'use strict'

const fs = require('fs')
const http = require('http')
const path = require('path')
const readline = require('readline')
const libas2 = require('libas2')

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))
const own = { certificate: fs.readFileSync(config.certificate, 'utf8'), key: fs.readFileSync(config.key, 'utf8') }
const theirs = fs.readFileSync(config.gateway_certificate, 'utf8')
const record = new Map()

const bare = (id) => id.trim().replace(/^<|>$/g, '')
const note = (id, facts) => record.set(bare(id), { ...record.get(bare(id)), ...facts })

function agreement(name, { sign, encrypt, mdn, mdnSign }) {
  return {
    host: {
      name,
      id: name,
      url: `http://127.0.0.1:${config.port}/`,
      certificate: own.certificate,
      privateKey: own.key,
      decrypt: true,
      sign: sign || false,
      mdn: { async: mdn === 'async', signing: mdnSign || false }
    },
    partner: {
      name: 'gateway',
      id: config.gateway_name,
      url: config.gateway_url,
      file: 'EDIFACT',
      certificate: theirs,
      encrypt: encrypt || false,
      verify: true,
      mdn: { async: false, signing: mdnSign || false }
    }
  }
}

function bodyOf(stream) {
  return new Promise((resolve, reject) => {
    const pieces = []
    stream.on('data', (piece) => pieces.push(piece))
    stream.on('end', () => resolve(Buffer.concat(pieces)))
    stream.on('error', reject)
  })
}

// The parser of libas2 reads text only, so a binary body is given to it in base64.
async function parse(rawHeaders, body) {
  const lines = []
  let binary = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase()
    if (name === 'content-type') binary = rawHeaders[i + 1].toLowerCase().startsWith('application/pkcs7-mime')
    if (name !== 'content-transfer-encoding') lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  }
  if (binary) lines.push('Content-Transfer-Encoding: base64')
  const content = binary ? Buffer.from(body.toString('base64').replace(/.{76}/g, '$&\r\n')) : body
  return libas2.AS2Parser.parse(Buffer.concat([Buffer.from(lines.join('\r\n') + '\r\n\r\n'), content]))
}

function wished(headers) {
  const found = /signed-receipt-micalg\s*=\s*[a-z]+\s*,\s*([A-Za-z0-9_-]+)/.exec(
    headers['disposition-notification-options'] || ''
  )
  return found && found[1].toLowerCase().replace(/^sha-?/, 'sha-')
}

async function entityOf(node) {
  const whole = await node.build()
  const end = whole.indexOf('\r\n\r\n')
  const headers = libas2.parseHeaderString(whole.slice(0, end).toString())
  return { headers, body: whole.slice(end + 4) }
}

async function take(request, response) {
  const body = await bodyOf(request)
  const id = request.headers['message-id']
  const node = await parse(request.rawHeaders, body)
  if (libas2.isMdn(node)) {
    await judge(node)
    response.end()
    return
  }
  const out = await node.dispositionOut({ agreement: agreement(request.headers['as2-to'], { mdnSign: wished(request.headers) }) })
  const notification = out.disposition.notification
  const failed = notification.disposition.description
  const payload = path.join(config.inbox, bare(id).replace(/\//g, '_'))
  // its parser counts the line end that belongs to the boundary to the content before it
  const content = Buffer.from((out.contentNode && out.contentNode.content) || '')
  fs.writeFileSync(payload, content.slice(0, content.length - 2))
  note(id, {
    status: notification.disposition.processed ? 'processed' : 'failed',
    detail: failed ? `${failed.type}: ${failed.text}` : '',
    mic: notification.receivedContentMic ? notification.receivedContentMic.mic : '',
    digest: notification.receivedContentMic ? notification.receivedContentMic.algorithm : '',
    signed: Boolean(notification.receivedContentMic),
    encrypted: /enveloped-data/.test(request.headers['content-type']),
    compressed: false,
    payload
  })
  const mdn = await entityOf(out.dispositionNode)
  const url = request.headers['receipt-delivery-option']
  if (!url) {
    response.writeHead(200, mdn.headers)
    response.end(mdn.body)
    return
  }
  response.end()
  await libas2.request({ url, headers: mdn.headers, body: mdn.body })
}

async function judge(node) {
  let read
  try {
    read = await node.dispositionIn({ cert: theirs })
  } catch (error) {
    return { mdn_status: 'error', mdn_detail: String(error), mdn_digest: null }
  }
  const said = read.notification
  const id = bare(said.originalMessageId)
  const mic = said.receivedContentMic || {}
  const fits = mic.mic === (record.get(id) || {}).mic
  const failed = said.disposition.description
  note(id, {
    mdn_status: said.disposition.processed && !failed && fits ? 'processed' : 'error',
    mdn_detail: failed ? `${failed.type}: ${failed.text}` : fits ? '' : `MIC ${mic.mic}`,
    mdn_mic: mic.mic,
    mdn_digest: mic.algorithm
  })
}

// The MIC is the digest of the signature; libas2 does not hand it out, but tells it when asked to verify.
const encrypt = libas2.AS2Crypto.encrypt
let mic = ''
libas2.AS2Crypto.encrypt = async (node, options) => {
  mic = await micOf(node)
  return encrypt(node, options)
}
const micOf = async (node) =>
  node.childNodes.length ? (await libas2.AS2Crypto.verify(node, { cert: own.certificate }, true)).digest.toString('base64') : ''

async function send(asked) {
  const composer = new libas2.AS2Composer({
    message: {
      filename: asked.filename,
      contentType: asked.content_type,
      content: fs.readFileSync(asked.file)
    },
    agreement: agreement(asked.from, {
      sign: asked.sign,
      encrypt: asked.encrypt,
      mdn: asked.mdn || 'sync',
      mdnSign: asked.mdn_sign
    })
  })
  mic = ''
  await composer.compile()
  const id = composer.message.messageId()
  note(id, { mic: mic || (await micOf(composer.message)) })
  const answer = await libas2.request(await composer.toRequestOptions())
  note(id, { http: answer.statusCode })
  let failure = {}
  if ((asked.mdn || 'sync') === 'sync') failure = (await judge(await parse(answer.rawHeaders, answer.rawBody))) || {}
  return { message_id: bare(id), ...record.get(bare(id)), ...failure }
}

const commands = { send, of: async (asked) => record.get(asked.message_id) || {} }
const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n')

const server = http.createServer((request, response) => {
  take(request, response).catch((error) => {
    note(request.headers['message-id'] || '', { status: 'failed', detail: String(error.stack) })
    if (!response.headersSent) response.writeHead(500)
    response.end(String(error))
  })
})
server.listen(config.port, '127.0.0.1', () => {
  say({ ready: true })
  const lines = readline.createInterface({ input: process.stdin })
  let last = Promise.resolve()
  lines.on('line', (line) => {
    const asked = JSON.parse(line)
    last = last.then(() => commands[asked.do](asked)).then(say, (error) => say({ error: String(error.stack) }))
  })
  lines.on('close', () => process.exit(0))
})
