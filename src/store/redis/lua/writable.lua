#!lua
--[[
Changes nothing. Having no flags it is refused, as `append` would be, where Redis can not be written: a replica, memory
full, the disk failing.

KEYS  1 the prefix
Returns 1
--]]
return 1
