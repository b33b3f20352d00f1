#!lua flags=no-writes
--[[
Counts conversations and batches.

KEYS  1 the prefix
Returns { conversations that wait, conversations that are held, dead batches, for how many ms the first has been due }
--]]
--- include "names"
--- include "now"
local first = call('ZRANGE', P .. DUE, 0, 0, 'WITHSCORES')
return {
  call('ZCARD', P .. DUE),
  call('ZCARD', P .. CLAIMED) + call('ZCARD', P .. ANSWERING),
  call('HLEN', P .. DEAD),
  first[2] and math.max(read_clock() - first[2], 0) or 0,
}
