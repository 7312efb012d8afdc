-- What every script starts with: Redis's clock in microseconds, and whether the epoch is the planned one.
-- KEYS[1] is the epoch's hash, ARGV[1] its number in the ledger.  A server restarted with old data still has the
-- old hash, but another run_id.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

local function epoch_fault(wanted_state)
  local epoch = redis.call('HMGET', KEYS[1], 'number', 'run_id', 'state')
  if not epoch[1] then return 'missing' end
  if epoch[2] ~= run_id() then return 'restarted' end
  if epoch[1] ~= ARGV[1] then return 'other' end
  if wanted_state and epoch[3] ~= wanted_state then return 'closed' end
  return false
end

local function text(number)
  return string.format('%.0f', number)
end
