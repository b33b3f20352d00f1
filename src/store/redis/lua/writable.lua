#!lua
--[[
Changes nothing. It has no flags, so Redis refuses it, as it would refuse `append`, if it can't be written: a replica,
memory full, a failing disk.

KEYS  1 the prefix
Returns 1
--]]
return 1
