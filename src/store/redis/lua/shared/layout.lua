-- The values for one Redis. A store that is a partition has others: script-runner.ts replaces this line.
local PUBLISH, NUMSUB, HISTORY_LENGTH, PUBLISHES_HISTORY = 'PUBLISH', 'NUMSUB', 10000, false
