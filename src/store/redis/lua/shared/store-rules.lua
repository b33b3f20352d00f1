-- How many arguments the store's rules are.
local STORE_RULES = 8

-- The store's rules, from the argument `first` on.
local function store_rules_at(first)
  return { quietGapMs = tonumber(ARGV[first]), maxWaitMs = tonumber(ARGV[first + 1]),
    maxMessages = tonumber(ARGV[first + 2]), maxBytes = tonumber(ARGV[first + 3]),
    earlyStartMs = tonumber(ARGV[first + 4]), answering = ARGV[first + 5],
    typingGapMs = tonumber(ARGV[first + 6]), holdMaxMs = tonumber(ARGV[first + 7]) }
end
