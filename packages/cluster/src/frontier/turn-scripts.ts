/**
 * The turns of hosts on the server, in Lua. KEYS: records of URLs (hash), hosts (hash). A host has n: the time before which it gets no
 * request, and b: the unfinished requests that others have to wait for, each with the time at which it counts as lost.
 */

const PRELUDE = `
local URLS, HOSTS = KEYS[1], KEYS[2]
local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local packed = redis.call('HGET', HOSTS, input.host)
local h = packed and cmsgpack.unpack(packed) or { n = 0, b = {} }
local function keep() redis.call('HSET', HOSTS, input.host, cmsgpack.pack(h)) end
`

/** Returns 0 if the turn is granted; the milliseconds to wait before asking again; or -1 if the lease is no longer valid. */
export const TURN = `${PRELUDE}
if input.lease ~= cjson.null then
  local packed = redis.call('HGET', URLS, input.lease.url)
  local r = packed and cmsgpack.unpack(packed)
  if not r or r.s ~= 'l' or r.g ~= input.lease.generation then return -1 end
end
local wait = h.n - now
for token, till in pairs(h.b) do
  if till <= now then h.b[token] = nil
  elseif token == input.token then return 0
  elseif input.delayMs > 0 then wait = math.max(wait, input.lookMs) end
end
if wait > 0 then return wait end
h.n = now + math.max(input.delayMs, input.intervalMs)
if input.delayMs > 0 then h.b[input.token] = now + input.holdMs end
keep()
return 0
`

/** The pause begins at the end of the request. One millisecond is added, because this clock counts whole milliseconds. */
export const DONE = `${PRELUDE}
h.b[input.token] = nil
h.n = math.max(h.n, now + input.delayMs + 1)
keep()
return 0
`

export const REST = `${PRELUDE}
h.n = math.max(h.n, now + input.ms)
keep()
return 0
`

/** A sign of life for an unfinished request. */
export const HOLD = `${PRELUDE}
if not h.b[input.token] then return 0 end
h.b[input.token] = now + input.holdMs
keep()
return 0
`
