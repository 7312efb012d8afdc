-- Call slots and a turn for each attempt, from all its buckets or from none.
-- KEYS: epoch, the slot buckets (zset attempt -> end of lease in us, +inf once confirmed), the rate buckets (tat in us)
-- ARGV: epoch number, lease us, rest us, lead us, horizon us, how many slot buckets, their limits,
--       how many rate buckets, their intervals in us, attempt ids
-- Answer: {'epoch', fault} or {'ok', now, then two for each attempt: 'turn', moment | 'wait', us |
--         'full', place of the fullest slot bucket from 0 | 'late', 0}
-- An attempt that holds its slots already gets a turn only (GCRA without tolerance: never two turns closer than
-- the interval).
local fault = epoch_fault('open')
if fault then return {'epoch', fault} end

local now = now_us()
local lease, rest, lead, horizon = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local at = 6
local slots, limits, free, fullest = tonumber(ARGV[at]), {}, nil, 0
for i = 1, slots do
  limits[i] = tonumber(ARGV[at + i])
  redis.call('ZREMRANGEBYSCORE', KEYS[1 + i], '-inf', '(' .. text(now))
  local room = limits[i] - redis.call('ZCARD', KEYS[1 + i])
  if not free or room < free then free, fullest = room, i - 1 end
end
at = at + slots + 1
local rates, intervals, next_turn, slowest = tonumber(ARGV[at]), {}, now + lead, 0
for i = 1, rates do
  intervals[i] = tonumber(ARGV[at + i])
  local tat = tonumber(redis.call('GET', KEYS[1 + slots + i]) or '0')
  if tat > next_turn then next_turn = tat end
  if intervals[i] > slowest then slowest = intervals[i] end
end
at = at + rates
if slowest > horizon then horizon = slowest end

local answer, taken, given = {'ok', text(now)}, {}, false
for i = at + 1, #ARGV do
  local id = ARGV[i]
  local held = redis.call('ZSCORE', KEYS[2], id)
  local lease_end = now + lease
  if held then lease_end = (held == 'inf') and math.huge or tonumber(held) end
  if not held and free <= 0 then
    answer[#answer + 1], answer[#answer + 2] = 'full', tostring(fullest)
  elseif next_turn - now > horizon then
    answer[#answer + 1], answer[#answer + 2] = 'wait', text(next_turn - now - horizon)
  elseif next_turn + rest > lease_end then
    answer[#answer + 1], answer[#answer + 2] = 'late', '0'
  else
    answer[#answer + 1], answer[#answer + 2] = 'turn', text(next_turn)
    if not held then
      free = free - 1
      taken[#taken + 1], taken[#taken + 2] = text(lease_end), id
    end
    given = next_turn
    next_turn = next_turn + slowest
  end
end
if #taken > 0 then
  for i = 1, slots do redis.call('ZADD', KEYS[1 + i], unpack(taken)) end
end
if given then
  for i = 1, rates do redis.call('SET', KEYS[1 + slots + i], text(given + intervals[i])) end
end
return answer
