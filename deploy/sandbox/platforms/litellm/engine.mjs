// Speaks the protocol of Prisma's query engine, as its Python client calls it, and answers with Prisma's own engine for
// WebAssembly. The engine for processes is fetched from the net when it is installed; this one comes with the npm packages.
// The Python client asks in GraphQL and this engine in JSON, so that each question and each answer is rewritten.
import fs from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'

if (process.argv.includes('--version')) {
  console.log('query-engine 393aa359c9ad4a4bb28630fb5613f9c281cde053')
  process.exit(0)
}

const require = createRequire(import.meta.url)
const { parse } = require('graphql')
const { Pool } = require('pg')
const { PrismaPg } = require('@prisma/adapter-pg')
const { bindAdapter } = require('@prisma/driver-adapter-utils')

const schema = fs.readFileSync(process.env.PRISMA_DML_PATH, 'utf8')

// models maps each model to the types of its fields.
const models = Object.fromEntries([...schema.matchAll(/^model (\w+) \{([\s\S]*?)^\}/gm)].map(([, name, body]) =>
  [name, Object.fromEntries([...body.matchAll(/^\s+(\w+)\s+(\w+)(?=[\s?[])/gm)].map(([, field, type]) => [field, type]))]))

// load starts the engine for the schema of the client.
async function load() {
  const path = require.resolve('@prisma/client/runtime/query_engine_bg.postgresql.js')
  const bindings = require(path)
  const code = new WebAssembly.Module(fs.readFileSync(path.replace(/\.js$/, '.wasm')))
  bindings.__wbg_set_wasm(new WebAssembly.Instance(code, { './query_engine_bg.js': bindings }).exports)
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
  const adapter = bindAdapter(new PrismaPg(pool))
  const options = {
    datamodel: schema, logLevel: 'error', logQueries: false,
    datasourceOverrides: {}, env: process.env, configDir: '.', ignoreEnvVarErrors: true,
  }
  const engine = new bindings.QueryEngine(options, () => {}, adapter)
  await engine.connect('{}')
  return { engine, adapter }
}

const actions = ['findUnique', 'findFirst', 'findMany', 'createOne', 'createMany', 'updateOne', 'updateMany', 'upsertOne',
  'deleteOne', 'deleteMany', 'aggregate', 'groupBy', 'queryRaw', 'executeRaw']

// value turns a literal of GraphQL into a JSON value.
function value(node) {
  switch (node.kind) {
    case 'IntValue': return /^-?\d{16,}$/.test(node.value) ? { $type: 'BigInt', value: node.value } : Number(node.value)
    case 'FloatValue': return Number(node.value)
    case 'StringValue': case 'EnumValue': case 'BooleanValue': return node.value
    case 'NullValue': return null
    case 'ListValue': return node.values.map(value)
    case 'ObjectValue': return Object.fromEntries(node.fields.map(f => [f.name.value, value(f.value)]))
  }
  throw new Error('a literal of kind ' + node.kind)
}

const args = node => Object.fromEntries(node.arguments.map(a => [a.name.value, value(a.value)]))

// typed marks the texts that are JSON documents: GraphQL has them as texts too, and knows by the schema what they are.
function typed(model, v) {
  if (Array.isArray(v)) return v.map(x => typed(model, x))
  if (v === null || typeof v !== 'object' || '$type' in v) return v
  return Object.fromEntries(Object.entries(v).map(([k, x]) => {
    const type = models[model]?.[k]
    if (type === 'Json') return [k, document(x)]
    return [k, typed(models[type] ? type : model, x)]
  }))
}

function document(v) {
  if (typeof v === 'string') return { $type: 'Json', value: v }
  if (Array.isArray(v)) return v.map(document)
  if (v === null || typeof v !== 'object') return v
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, k === 'path' ? x : document(x)]))
}

// fields is what a question wants of an object.
function fields(set) {
  if (!set) return {}
  return Object.fromEntries(set.selections.map(f =>
    [f.name.value, f.selectionSet ? { arguments: args(f), selection: fields(f.selectionSet) } : true]))
}

// question rewrites one operation. Its answer is wanted under alias, and comes under name.
function question(text) {
  const root = parse(text).definitions[0].selectionSet.selections[0]
  const name = root.name.value
  const action = actions.find(a => name.startsWith(a) && (name === a || /^[A-Z]/.test(name.slice(a.length))))
  if (!action) throw new Error('no known operation: ' + name)
  const arrays = action === 'queryRaw' || action === 'executeRaw'
  return {
    alias: root.alias ? root.alias.value : name, name,
    body: { modelName: name.slice(action.length) || undefined, action, query: { arguments: typed(name.slice(action.length), args(root)), selection: arrays ? {} : fields(root.selectionSet) } },
  }
}

// answer takes the types off the values of an answer.
function answer(v) {
  if (Array.isArray(v)) return v.map(answer)
  if (v === null || typeof v !== 'object') return v
  if (v.$type === 'BigInt') return Number(v.value)
  if ('$type' in v) return v.value
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, answer(x)]))
}

// rows opens the JSON documents among the rows of a raw question; elsewhere they stay texts, as with the engine for processes.
function rows(found) {
  if (!found || !found.rows) return answer(found)
  const open = (v, type) => {
    const bare = answer(v)
    return type === 'json' && typeof bare === 'string' ? JSON.parse(bare) : bare
  }
  return { ...found, rows: found.rows.map(r => r.map((v, i) => open(v, found.types[i]))) }
}

function unwrap(q, raw) {
  if (raw.errors) return raw
  const found = raw.data[q.name] !== undefined ? raw.data[q.name] : Object.values(raw.data)[0]
  return { data: { [q.alias]: q.body.action === 'queryRaw' ? rows(found) : answer(found) } }
}

async function ask({ engine }, body, tx) {
  if (!body.batch) {
    const q = question(body.query)
    return unwrap(q, JSON.parse(await engine.query(JSON.stringify(q.body), '{}', tx)))
  }
  const all = body.batch.map(b => question(b.query))
  const raw = JSON.parse(await engine.query(JSON.stringify({ batch: all.map(q => q.body), transaction: body.transaction ? {} : undefined }), '{}', tx))
  return raw.errors ? raw : { batchResult: raw.batchResult.map((r, i) => unwrap(all[i], r)) }
}

async function read(req) {
  const parts = []
  for await (const p of req) parts.push(p)
  return parts.length ? JSON.parse(Buffer.concat(parts)) : {}
}

async function route(loaded, req) {
  const { engine } = loaded
  const path = req.url.split('?')[0]
  if (path === '/status') return { status: 'ok' }
  if (path === '/metrics') return { counters: [], gauges: [], histograms: [] }
  const body = await read(req)
  if (path === '/') return ask(loaded, body, req.headers['x-transaction-id'])
  if (path === '/transaction/start') return JSON.parse(await engine.startTransaction(JSON.stringify(body), '{}'))
  const [, , id, verb] = path.split('/')
  if (verb === 'commit') return JSON.parse(await engine.commitTransaction(id, '{}'))
  if (verb === 'rollback') return JSON.parse(await engine.rollbackTransaction(id, '{}'))
  throw new Error('no such path: ' + path)
}

const loaded = await load()
const port = Number(process.argv[process.argv.indexOf('-p') + 1])
http.createServer(async (req, res) => {
  try {
    const out = JSON.stringify(await route(loaded, req))
    res.writeHead(200, { 'content-type': 'application/json' }).end(out)
  } catch (err) {
    const said = String(err && err.message || err)
    res.writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ error: said, user_facing_error: { is_panic: false, message: said, meta: {}, error_code: 'P2010' } }] }))
  }
}).listen(port, 'localhost')
