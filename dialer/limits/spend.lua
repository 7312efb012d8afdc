-- What was sent without waiting for a turn takes its part of a rate bucket all the same.
-- KEYS: rate bucket (tat in us)   ARGV: interval in us, how many
local now = now_us()
local tat = tonumber(redis.call('GET', KEYS[1]) or '0')
if tat < now then tat = now end
redis.call('SET', KEYS[1], text(tat + tonumber(ARGV[1]) * tonumber(ARGV[2])))
return {'ok'}
