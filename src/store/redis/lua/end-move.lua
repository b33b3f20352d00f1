#!lua flags=allow-oom
--[[
Ends a move whose messages the other partition has: frees the conversation that they came from. Does nothing if it has
ended before.

KEYS  1 the prefix
ARGV  1 from  2 id of the move  3 the batch that has the messages now  4 database number  5 to 12 the store's rules
--]]
--- include "names"
--- include "now"
--- include "free"
--- include "store-rules"
--- include "record"
--- include "push"
--- include "check-types"
local from, id, batch_id, db = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if call('GET', P .. HOLD .. from) ~= id then return end
local move = call('HMGET', P .. HANDED_OVER .. id, 'batchId', 'into', 'moving')
if not move[3] then return end
local now = read_clock()
check_types(DUE, ANSWERING, HISTORY)
local head = head_of(from)
local seen, digests = cjson.decode(move[3]).seen, {}
for i = 1, #seen, 2 do digests[#digests + 1] = seen[i] end

push('ZREM', P .. SEEN .. from, digests)
call('DEL', P .. HANDED_OVER .. id)
call('ZREM', P .. ANSWERING, id)
free(from, head, now, db, store_rules_at(5))
if move[1] ~= '' then record('merged', move[1], from, 'into', move[2], 'batch', batch_id) end
