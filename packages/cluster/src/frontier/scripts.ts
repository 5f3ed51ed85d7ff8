/**
 * The steps of a frontier on the server, in Lua. Each is one atomic step, and uses the server's clock.
 *
 * KEYS: records of URLs (hash), waiting URLs by depth and turn (sorted set), leases by the time of their last renewal (sorted set), leases
 * by depth (sorted set), counts (hash), URLs of pages (set), results (stream). A record has s: its state (w, l, f), d: depth, g:
 * generation, t: turn, f: from, e: error, o: the URL whose lease it ends with, c: the URLs that end with it.
 *
 * A full server refuses the first command that needs memory, but not the commands before it. So each script begins with such a command.
 */

const PRELUDE = `
local URLS, WAITING, LEASES, DEPTHS, COUNTS, PAGES, RESULTS = unpack(KEYS)
local LEVEL = 1099511627776
local input = cjson.decode(ARGV[1])

local function value(v) if v == cjson.null then return false end return v end
local function get(url) local r = redis.call('HGET', URLS, url) return r and cmsgpack.unpack(r) end
local function put(url, r) redis.call('HSET', URLS, url, cmsgpack.pack(r)) end
local function count(name, by) return redis.call('HINCRBY', COUNTS, name, by) end
count('steps', 1)
local function turn() return count('turn', 1) end
local function now() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end

local function wait(url, r)
  r.s = 'w' r.o = false r.c = false
  put(url, r)
  redis.call('ZADD', WAITING, string.format('%.0f', r.d * LEVEL + r.t), url)
end

local function add(u)
  local r = get(u.url)
  if r and r.s == 'f' then return end
  if r and r.s == 'l' then
    if u.depth < r.d then
      r.d = u.depth r.f = value(u.from)
      put(u.url, r)
      if not r.o then redis.call('ZADD', DEPTHS, r.d, u.url) end
    end
    return
  end
  if r and r.d <= u.depth then return end
  wait(u.url, { d = u.depth, g = r and r.g or 0, t = turn(), f = value(u.from), e = value(u.error) })
end

local function hand(url)
  local r = get(url)
  redis.call('ZREM', WAITING, url)
  redis.call('ZADD', LEASES, now(), url)
  redis.call('ZADD', DEPTHS, r.d, url)
  r.s = 'l' r.g = r.g + 1 r.o = false r.c = {}
  put(url, r)
  count('leased', 1)
  return { url = url, depth = r.d, from = r.f or cjson.null, error = r.e or cjson.null, generation = r.g }
end

local function held(lease)
  local r = get(lease.url)
  if r and r.s == 'l' and not r.o and r.g == lease.generation then return r end
  return nil
end

local function giveBack(url, r)
  redis.call('ZREM', LEASES, url)
  redis.call('ZREM', DEPTHS, url)
  for _, other in ipairs(r.c) do count('leased', -1) wait(other, get(other)) end
  count('leased', -1)
  wait(url, r)
end

local function answer(result)
  local first = redis.call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')
  local depth = -1
  if first[2] then depth = math.floor(tonumber(first[2]) / LEVEL) end
  local nearest = redis.call('ZRANGE', DEPTHS, 0, 0, 'WITHSCORES')
  local counts = redis.call('HMGET', COUNTS, 'leased', 'pages', 'errors', 'visits')
  return cjson.encode({
    result = result,
    counts = { redis.call('ZCARD', WAITING), tonumber(counts[1] or 0), tonumber(counts[2] or 0), tonumber(counts[3] or 0), tonumber(counts[4] or 0), depth, tonumber(nearest[2] or -1) }
  })
end
`

export const LOOK = `${PRELUDE}
return answer(true)
`

export const ADD = `${PRELUDE}
for _, u in ipairs(input) do add(u) end
return answer(true)
`

export const LEASE = `${PRELUDE}
local leases = {}
local most = input.most
if input.limit ~= cjson.null then
  most = math.min(most, input.limit - tonumber(redis.call('HGET', COUNTS, 'visits') or 0) - redis.call('ZCARD', LEASES))
end
if most > 0 then
  for _, url in ipairs(redis.call('ZRANGE', WAITING, 0, most - 1)) do leases[#leases + 1] = hand(url) end
end
return answer(leases)
`

export const TAKE = `${PRELUDE}
add(input)
local r = get(input.url)
if r.s ~= 'w' then return answer(false) end
return answer(hand(input.url))
`

export const CLAIM = `${PRELUDE}
local h = held(input.lease)
local r = get(input.url)
if not h or (r and r.s ~= 'w') then return answer(false) end
redis.call('ZREM', WAITING, input.url)
r = r or { d = h.d, g = 0, t = turn(), f = input.lease.url, e = false }
r.s = 'l' r.g = r.g + 1 r.o = input.lease.url r.c = false
put(input.url, r)
h.c[#h.c + 1] = input.url
put(input.lease.url, h)
count('leased', 1)
return answer(true)
`

export const FINISH = `${PRELUDE}
local h = held(input.lease)
if not h then return answer(false) end
if h.d < input.depth then return answer({ depth = h.d, from = h.f or cjson.null }) end
redis.call('ZREM', LEASES, input.lease.url)
redis.call('ZREM', DEPTHS, input.lease.url)
local claims = h.c
h.s = 'f' h.c = false
put(input.lease.url, h)
for _, url in ipairs(claims) do
  local r = get(url)
  r.s = 'f'
  put(url, r)
end
count('leased', -1 - #claims)
for _, u in ipairs(input.found) do add(u) end
for _, url in ipairs(input.skipped) do
  if not get(url) then put(url, { s = 'f', d = 0, g = 0, t = 0, f = false, e = false, o = false, c = false }) end
end
if input.pageUrl == cjson.null then
  if ARGV[2] ~= '' then redis.call('XADD', RESULTS, '*', 'visit', ARGV[2]) end
  return answer(true)
end
if redis.call('SADD', PAGES, input.pageUrl) == 0 then return answer(false) end
redis.call('XADD', RESULTS, '*', 'visit', ARGV[2])
count('pages', 1)
if not h.e then count('visits', 1) end
if input.failed then count('errors', 1) end
return answer(true)
`

export const RENEW = `${PRELUDE}
for _, lease in ipairs(input) do
  if held(lease) then redis.call('ZADD', LEASES, now(), lease.url) end
end
return answer(true)
`

export const RELEASE = `${PRELUDE}
local h = held(input)
if not h then return answer(false) end
giveBack(input.url, h)
return answer(true)
`

export const RECLAIM = `${PRELUDE}
local old = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now() - input.ageMs)
for _, url in ipairs(old) do giveBack(url, get(url)) end
return answer(#old)
`
