#!lua flags=allow-oom
--[[
The provider that an account belongs to. A provider that has proved itself takes an account without an owner.

KEYS  1 the prefix
ARGV  1 account, '' for none  2 provider that has proved itself, or ''  3 how many accounts are kept at most
Returns the provider, or nil if the account has no owner
--]]
--- include "names"
local account, provider, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

local owner = call('HGET', P .. ACCOUNTS, account)
if owner or provider == '' then return owner end
if call('HLEN', P .. ACCOUNTS) >= most then return nil end
call('HSET', P .. ACCOUNTS, account, provider)
return provider
