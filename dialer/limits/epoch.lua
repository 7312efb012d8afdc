-- The life of an epoch.
-- KEYS: epoch, rate buckets   ARGV: epoch number, 'begin' | 'touch' | 'open' | 'close' | 'read', for 'open' one pause in us per bucket
-- Answer: {'epoch', fault} or {'ok', now us, state, us since it was touched}
local number, verb, now = ARGV[1], ARGV[2], now_us()
if verb == 'begin' then
  -- Only forwards, unless the memory of another server is what stands there.
  local epoch = redis.call('HMGET', KEYS[1], 'number', 'run_id')
  if epoch[1] and epoch[2] == run_id() and tonumber(epoch[1]) >= tonumber(number) then return {'epoch', 'other'} end
  redis.call('HSET', KEYS[1], 'number', number, 'run_id', run_id(), 'state', 'closed', 'touched', text(now))
  return {'ok', text(now), 'closed', '0'}
end
local fault = epoch_fault()
if fault then return {'epoch', fault} end
if verb == 'touch' then redis.call('HSET', KEYS[1], 'touched', text(now)) end
if verb == 'close' then redis.call('HSET', KEYS[1], 'state', 'closed', 'touched', text(now)) end
if verb == 'open' then
  for i = 2, #KEYS do redis.call('SET', KEYS[i], text(now + tonumber(ARGV[i + 1]))) end
  redis.call('HSET', KEYS[1], 'state', 'open', 'touched', text(now))
end
local epoch = redis.call('HMGET', KEYS[1], 'state', 'touched')
return {'ok', text(now), epoch[1], text(now - tonumber(epoch[2]))}
