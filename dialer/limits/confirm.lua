-- Takes the end from the leases of attempts that were claimed: from now on only settling frees them.
-- KEYS: epoch, mirror of the ledger's clock, slot buckets
-- ARGV: epoch number, newest claimed_at in us, attempt ids
-- Answer: {'epoch', fault} or {'ok', then 1 or 0 for each attempt}
-- Only the very lease of `reserve` is accepted: one that lapsed is gone, one that was restored has no end already.
local fault = epoch_fault('open')
if fault then return {'epoch', fault} end

local now = now_us()
local answer = {'ok'}
for i = 3, #ARGV do
  local id, good = ARGV[i], 1
  for k = 3, #KEYS do
    local held = redis.call('ZSCORE', KEYS[k], id)
    if not held or held == 'inf' or tonumber(held) < now then good = 0 end
  end
  if good == 1 then
    for k = 3, #KEYS do redis.call('ZADD', KEYS[k], '+inf', id) end
  end
  answer[#answer + 1] = good
end
local mirror = tonumber(redis.call('GET', KEYS[2]) or '0')
if tonumber(ARGV[2]) > mirror then redis.call('SET', KEYS[2], ARGV[2]) end
return answer
