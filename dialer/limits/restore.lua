-- Gives slots to open attempts that have none, even above the limit: the ledger is the truth.
-- KEYS: epoch, slot bucket   ARGV: epoch number, 'rebuild' or 'open', attempt ids
-- Answer: {'epoch', fault} or {'ok', how many were added}
-- A restored lease has no end, so it can never be confirmed.  A rebuild drops every lease that was not confirmed: the
-- epoch it was planned in is over, its claim or its confirmation will be refused.
local rebuild = ARGV[2] == 'rebuild'
local fault = epoch_fault(rebuild and 'closed' or 'open')
if fault then return {'epoch', fault} end

if rebuild then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(+inf') end
local added = 0
for i = 3, #ARGV do added = added + redis.call('ZADD', KEYS[2], 'NX', '+inf', ARGV[i]) end
return {'ok', added}
