-- How a store publishes, and how long its history is: script-runner.ts replaces what is in braces.
local PUBLISH, NUMSUB, HISTORY_LENGTH, PUBLISHES_HISTORY =
  '{publish}', '{subscribers}', '{historyLength}', '{publishesHistory}'
